/// The fault injector is a library that tests preload into a program: it counts the calls by which
/// the program touches one folder, lets one of them fail, and writes down what was called.
///
/// Four environment variables tell it what to do:
///
///     FAULT_FOLDER   the folder; calls about anything else are neither counted nor touched
///     FAULT_LOG      the file to which a line is added for each call: `NUMBER CALL PATH -> RESULT`
///     FAULT_AT       the number of the call that fails, from 1; none does if it is not set
///     FAULT_KIND     how it fails: `kill` ends the process before the call, `short` lets it move
///                    half of the bytes, `none` none of them (both only where bytes are moved);
///                    a number is the `errno` of a call that is not made. With a `+` behind the
///                    number all calls from there on fail that can for this reason: a broken
///                    disk (`5+`, EIO) refuses everything, a full one only what takes room.
///
/// A counted `fsync` that does not fail is written down and not made: it would take time, and what
/// it does can be seen after a power failure alone.
///
/// It has no functions of its own to call.
