#include "CKeyring.h"
int keyring_placeholder(void) { return 0; }
