//! The command against a daemon of a few lines: what is printed, with which code it ends, and
//! how it fails.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "clippy's permission for tests ends at functions marked as tests"
)]

mod acting;
mod agent;
mod alerts;
mod apply;
mod at_rest;
mod attributes_live;
mod beside_pm2;
mod boot;
mod caller;
mod cluster;
mod cluster_balance;
mod cluster_fds;
mod cluster_listen;
mod cluster_rights;
mod cluster_runtimes;
mod commands;
mod commands_policy;
mod commands_resumed;
mod completion;
mod config;
mod container;
mod cron;
mod daemons_end;
mod depending;
mod deploy;
mod descriptors;
mod docs;
mod dropped;
mod every_command;
mod example_lines;
mod export;
mod external_rotation;
mod failing;
#[cfg(feature = "failpoints")]
mod failpoints;
mod fake;
mod faults;
mod first_run;
mod foreground;
mod fork;
mod full_names;
mod hanging;
mod helping;
mod hints;
mod home;
mod home_modes;
mod hooks;
mod in_app;
mod inspect_ports;
mod json;
mod keeper_death;
mod keeper_link;
mod kill;
mod limits;
mod list_readers;
mod listing;
mod live_pm2;
mod liveness;
mod log_cursor;
mod log_dropped;
mod log_full;
mod log_query;
mod log_rules;
mod log_sinks;
mod logging;
mod logs;
mod migrate;
mod modules;
mod monit;
mod node_client;
mod of_file;
mod older_daemon;
mod own_log;
mod package_scripts;
mod pages;
mod persistence;
mod pictures;
mod placeholders;
mod plan;
mod pm2_client;
mod pm2_door;
mod pm2_ways;
mod prepared;
mod progress;
mod refusals;
mod reload;
mod reload_drain;
mod reload_http2;
mod reload_load;
mod reload_resumed;
mod reload_world;
mod rotation;
mod screens;
mod secrets;
mod serve;
mod settings;
mod several_words;
mod start;
mod start_e2e;
mod starting;
mod startup;
mod stop;
mod takeover;
mod talking;
mod torture;
mod unreadable;
mod unsaved;
mod unwritten;
mod update;
mod waiting;
mod watch;
mod web;
mod web_api;
mod words;
