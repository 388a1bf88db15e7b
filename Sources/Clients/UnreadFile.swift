internal import Credentials
internal import Files

/// A configuration that the client cannot read, so that the files that it names are not known: any
/// of them may contain a login.
struct UnreadFile: PlaintextFile {
    let client: any Client
    let file: ClientFile
    let error: StoreError

    func contents(of content: Secret) throws(StoreError) -> PlaintextContents { throw error }

    func remove(where isMeant: (PlaintextLogin) -> Bool) throws(StoreError) -> [Entry] {
        throw error
    }
}
