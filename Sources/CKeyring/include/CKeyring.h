#ifndef KEYFOB_CKEYRING_H
#define KEYFOB_CKEYRING_H
int keyring_placeholder(void);
#endif
