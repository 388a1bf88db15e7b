package enum StoreContract {}
