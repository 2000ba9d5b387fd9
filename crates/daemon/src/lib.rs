//! I/O around the core: event loop, driver, cluster primary, control server.
