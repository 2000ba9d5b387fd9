//! Connects to the daemon, starting one when none answers.
