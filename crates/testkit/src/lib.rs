//! Sandbox homes, wait-for-event helpers, victim programs.
