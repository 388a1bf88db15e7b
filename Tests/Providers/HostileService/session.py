"""A session of the Secret Service: how secrets are written on the bus.

Plain, or dh-ietf1024-sha256-aes128-cbc-pkcs7: Diffie-Hellman in the second Oakley group
(RFC 2409), HKDF with SHA-256 (RFC 5869), AES-128 in CBC mode by libgcrypt.
"""

import ctypes
import hashlib
import hmac
import os

PLAIN = "plain"
ENCRYPTED = "dh-ietf1024-sha256-aes128-cbc-pkcs7"

BLOCK = 16
PRIME_SIZE = 128
PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
    16,
)
GENERATOR = 2

GCRY_CIPHER_AES128 = 7
GCRY_CIPHER_MODE_CBC = 3

gcrypt = ctypes.CDLL("libgcrypt.so.20")
gcrypt.gcry_check_version(None)


class Session:
    """What one client and the service have agreed on."""

    def __init__(self, path, peer=None):
        """Without a peer's public key the session is plain."""
        self.path = path
        self.key = None
        # That of the client, if it is another.
        self.reader = None
        self.agrees = True
        self.output = b""
        if peer is not None:
            private = int.from_bytes(os.urandom(PRIME_SIZE), "big") % PRIME
            shared = pow(int.from_bytes(peer, "big"), private, PRIME)
            self.key = derive(shared.to_bytes(PRIME_SIZE, "big"))
            self.output = pow(GENERATOR, private, PRIME).to_bytes(PRIME_SIZE, "big")

    def encode(self, secret, reader=None, lucky=False):
        """The parameters and the value that carry a secret.

        What a reader's other key makes of them looks padded one time in 256, by chance: here
        always or never.
        """
        if self.key is None:
            return b"", secret
        filler = BLOCK - len(secret) % BLOCK
        padded = secret + bytes([filler]) * filler
        while True:
            vector = os.urandom(BLOCK)
            value = cipher("gcry_cipher_encrypt", self.key, vector, padded)
            if reader is None or reader == self.key:
                return vector, value
            if is_padded(cipher("gcry_cipher_decrypt", reader, vector, value)) == lucky:
                return vector, value

    def decode(self, parameters, value):
        """The secret that parameters and value carry."""
        if self.key is None:
            return value
        padded = cipher("gcry_cipher_decrypt", self.key, parameters, value)
        return padded[: -padded[-1]]


def no_key():
    """That of a client which was given a public key of nothing."""
    return derive(bytes(PRIME_SIZE))


def is_padded(data):
    filler = data[-1]
    return 1 <= filler <= BLOCK and data.endswith(bytes([filler]) * filler)


def derive(shared):
    extracted = hmac.new(bytes(32), shared, hashlib.sha256).digest()
    return hmac.new(extracted, b"\x01", hashlib.sha256).digest()[:BLOCK]


def cipher(function, key, vector, data):
    handle = ctypes.c_void_p()
    check(
        gcrypt.gcry_cipher_open(
            ctypes.byref(handle), GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_CBC, 0
        )
    )
    check(gcrypt.gcry_cipher_setkey(handle, key, ctypes.c_size_t(len(key))))
    check(gcrypt.gcry_cipher_setiv(handle, vector, ctypes.c_size_t(len(vector))))
    buffer = ctypes.create_string_buffer(data, len(data))
    size = ctypes.c_size_t(len(data))
    check(getattr(gcrypt, function)(handle, buffer, size, None, ctypes.c_size_t(0)))
    gcrypt.gcry_cipher_close(handle)
    return buffer.raw


def check(code):
    if code != 0:
        raise ValueError(f"libgcrypt: error {code & 0xFFFF}")
