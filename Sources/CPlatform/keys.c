// Keys that the kernel keeps in memory, by its system calls (add_key(2), keyctl(2)): libc has no
// functions for them.

#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// Rights, one byte each for the possessor of the key, its user, its group and others: view 1, read
// 2, write 4, search 8, link 10h, change 20h (keyctl_setperm(3)).
enum {
    // All rights for processes of this user, and none for the possessor: a session of this user in
    // which another user's program runs (sudo) possesses the key too.
    user_rights = 0x003f0000,
    // All rights for the possessor. The user's other sessions may view the key, and may invalidate
    // it, which needs the right to search.
    session_rights = 0x3f090000,
};

static const char key_type[] = "user";

static long control(int operation, long first, long second, long third, long fourth) {
    const long result = syscall(SYS_keyctl, operation, first, second, third, fourth);
    return result < 0 ? -errno : result;
}

static int keyring(bool is_for_session) {
    return is_for_session ? KEY_SPEC_SESSION_KEYRING : KEY_SPEC_USER_KEYRING;
}

// Returns 0 if this process has a session keyring that belongs to its user and to only one session.
static int check_session(void) {
    // The form is `keyring;UID;GID;RIGHTS;NAME`. If no login made a session keyring, the kernel
    // gives the one that all such processes of the user share.
    char text[256];
    const long length = control(KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, (long)text, sizeof text, 0);
    if (length < 0) return (int)length;
    text[length < (long)sizeof text ? length : (long)sizeof text - 1] = '\0';
    const char *user = strchr(text, ';');
    const char *name = strrchr(text, ';');
    if (user == NULL || strncmp(name + 1, "_uid_ses.", strlen("_uid_ses.")) == 0)
        return platform_key_no_session;
    return (uid_t)strtoul(user + 1, NULL, 10) == geteuid() ? 0 : platform_key_no_session;
}

int platform_key_publish(const char *name, const unsigned char *content, size_t size,
                         unsigned seconds, bool is_for_session) {
    const int session = is_for_session ? check_session() : 0;
    if (session < 0) return session;
    // Until the last step the key is only in the keyring of this process, which ends with the
    // process.
    const long key =
        syscall(SYS_add_key, key_type, name, content, size, KEY_SPEC_PROCESS_KEYRING);
    if (key < 0) return -errno;
    long result = control(KEYCTL_SET_TIMEOUT, key, seconds, 0, 0);
    if (result == 0)
        result = control(KEYCTL_SETPERM, key, is_for_session ? session_rights : user_rights, 0, 0);
    // The link replaces a key of the same name.
    if (result == 0) result = control(KEYCTL_LINK, key, keyring(is_for_session), 0, 0);
    // If the key stayed there, publishing the name again would change it and remove its timeout.
    if (result == 0) result = control(KEYCTL_UNLINK, key, KEY_SPEC_PROCESS_KEYRING, 0, 0);
    if (result < 0) control(KEYCTL_INVALIDATE, key, 0, 0, 0);
    return (int)result;
}

static long search(const char *name, bool is_for_session) {
    return control(KEYCTL_SEARCH, keyring(is_for_session), (long)key_type, (long)name, 0);
}

int platform_key_find(const char *name, bool is_for_session) {
    const long key = search(name, is_for_session);
    // A session keyring may hold a link to the user's keyring, which is searched with it.
    if (is_for_session && key > 0 && key == search(name, false)) return -ENOKEY;
    return (int)key;
}

long platform_key_read(int key, unsigned char *content, size_t size) {
    return control(KEYCTL_READ, key, (long)content, (long)size, 0);
}

int platform_key_remove(int key) {
    const long result = control(KEYCTL_INVALIDATE, key, 0, 0, 0);
    if (result == 0 || result == -EPERM || result == -ENOSYS) return (int)result;
    // An expired key can only be unlinked.
    if (control(KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING, 0, 0) == 0) return 0;
    return control(KEYCTL_UNLINK, key, KEY_SPEC_SESSION_KEYRING, 0, 0) == 0 ? 0 : (int)result;
}
