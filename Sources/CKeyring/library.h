/// libsecret's functions, and those of GLib that come with it, opened at run time.
///
/// The table is typed by the libraries' own headers. Nothing else in CKeyring may call these
/// functions by name: that would link the libraries.

#pragma once

#include "outcome.h"

#define SECRET_API_SUBJECT_TO_CHANGE 1
#include <libsecret/secret.h>

#define LIBRARY_FUNCTIONS(use)                                                                    \
    use(g_async_queue_new_full)                                                                   \
    use(g_async_queue_push)                                                                       \
    use(g_async_queue_try_pop)                                                                    \
    use(g_async_queue_unref)                                                                      \
    use(g_cancellable_cancel)                                                                     \
    use(g_cancellable_new)                                                                        \
    use(g_dbus_connection_add_filter)                                                             \
    use(g_dbus_connection_flush_sync)                                                             \
    use(g_dbus_connection_get_guid)                                                               \
    use(g_dbus_connection_is_closed)                                                              \
    use(g_dbus_connection_new)                                                                    \
    use(g_dbus_connection_new_finish)                                                             \
    use(g_dbus_connection_new_sync)                                                               \
    use(g_dbus_connection_send_message)                                                           \
    use(g_dbus_connection_start_message_processing)                                               \
    use(g_dbus_error_get_remote_error)                                                            \
    use(g_dbus_is_name)                                                                           \
    use(g_dbus_message_copy)                                                                      \
    use(g_dbus_message_get_arg0)                                                                  \
    use(g_dbus_message_get_body)                                                                  \
    use(g_dbus_message_get_destination)                                                           \
    use(g_dbus_message_get_error_name)                                                            \
    use(g_dbus_message_get_interface)                                                             \
    use(g_dbus_message_get_member)                                                                \
    use(g_dbus_message_get_message_type)                                                          \
    use(g_dbus_message_get_path)                                                                  \
    use(g_dbus_message_get_reply_serial)                                                          \
    use(g_dbus_message_get_sender)                                                                \
    use(g_dbus_message_new_method_call)                                                           \
    use(g_dbus_message_set_body)                                                                  \
    use(g_dbus_message_set_destination)                                                           \
    use(g_dbus_message_set_flags)                                                                 \
    use(g_error_free)                                                                             \
    use(g_error_matches)                                                                          \
    use(g_free)                                                                                   \
    use(g_get_monotonic_time)                                                                     \
    use(g_initable_new)                                                                           \
    use(g_io_error_quark)                                                                         \
    use(g_log_set_writer_func)                                                                    \
    use(g_log_writer_default)                                                                     \
    use(g_log_writer_default_set_use_stderr)                                                      \
    use(g_main_context_iteration)                                                                 \
    use(g_main_context_new)                                                                       \
    use(g_main_context_pop_thread_default)                                                        \
    use(g_main_context_push_thread_default)                                                       \
    use(g_main_context_ref)                                                                       \
    use(g_main_context_unref)                                                                     \
    use(g_main_context_wakeup)                                                                    \
    use(g_object_ref)                                                                             \
    use(g_object_set)                                                                             \
    use(g_object_set_data_full)                                                                   \
    use(g_object_unref)                                                                           \
    use(g_socket_connection_factory_create_connection)                                            \
    use(g_socket_new_from_fd)                                                                     \
    use(g_source_attach)                                                                          \
    use(g_source_destroy)                                                                         \
    use(g_source_new)                                                                             \
    use(g_source_set_ready_time)                                                                  \
    use(g_source_unref)                                                                           \
    use(g_type_class_peek_parent)                                                                 \
    use(g_type_register_static_simple)                                                            \
    use(g_variant_builder_add)                                                                    \
    use(g_variant_builder_end)                                                                    \
    use(g_variant_builder_init)                                                                   \
    use(g_variant_get)                                                                            \
    use(g_variant_get_boolean)                                                                    \
    use(g_variant_get_child)                                                                      \
    use(g_variant_get_child_value)                                                                \
    use(g_variant_get_type_string)                                                                \
    use(g_variant_get_variant)                                                                    \
    use(g_variant_lookup)                                                                         \
    use(g_variant_n_children)                                                                     \
    use(g_variant_new)                                                                            \
    use(g_variant_new_string)                                                                     \
    use(g_variant_ref_sink)                                                                       \
    use(g_variant_unref)

#define LIBRARY_SECRET_FUNCTIONS(use)                                                             \
    use(secret_service_decode_dbus_secret)                                                        \
    use(secret_service_encode_dbus_secret)                                                        \
    use(secret_service_ensure_session)                                                            \
    use(secret_service_ensure_session_finish)                                                     \
    use(secret_service_get_session_dbus_path)                                                     \
    use(secret_service_get_type)                                                                  \
    use(secret_value_get)                                                                         \
    use(secret_value_new)                                                                         \
    use(secret_value_unref)

struct Library {
#define LIBRARY_MEMBER(name) __typeof__(name) *name;
    LIBRARY_FUNCTIONS(LIBRARY_MEMBER)
    LIBRARY_SECRET_FUNCTIONS(LIBRARY_MEMBER)
#undef LIBRARY_MEMBER
};

/// The table, which library_open fills and everything else only reads.
extern struct Library library;

/// Opens GLib, and libsecret too if `for_secrets` is true. The outcome is absent if one of them is
/// not installed, and failed if it is installed and does not load: a login in the keyring is then
/// out of reach, and not missing.
KeyringOutcome library_open(bool for_secrets, char *reason);
