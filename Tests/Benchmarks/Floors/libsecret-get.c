/// The least a client of libsecret can do for a get: it looks up the secret of the server on
/// standard input. It does not say whose login it is, and unlocks nothing.

#include <libsecret/secret.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    static const SecretSchema schema = {
        "io.docker.Credentials",
        SECRET_SCHEMA_NONE,
        {{"label", SECRET_SCHEMA_ATTRIBUTE_STRING},
         {"server", SECRET_SCHEMA_ATTRIBUTE_STRING},
         {NULL, 0}},
    };
    char server[4096];
    const size_t length = fread(server, 1, sizeof server - 1, stdin);
    server[length] = '\0';
    char *secret = secret_password_lookup_sync(&schema, NULL, NULL, "label", "Docker Credentials",
                                               "server", server, NULL);
    if (secret == NULL)
        return 1;
    puts(secret);
    secret_password_free(secret);
    return 0;
}
