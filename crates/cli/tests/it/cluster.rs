//! Node's cluster through the daemon.
