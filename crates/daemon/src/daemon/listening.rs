//! What the log says of a worker that may not listen where it wants to.

use ostler_cluster::Policy;
use ostler_core::AppId;

use crate::model::Registry;
use crate::node::policy_word;

/// The system, or an app of another user that has the address, is in the way.
pub(super) fn cannot(registry: &Registry, app: AppId, why: &str, holder: Option<AppId>) -> String {
    let name = registry.app_name(app);
    let holder = holder.map_or_else(String::new, |holder| {
        format!("; app [{}] of another user listens there", registry.app_name(holder))
    });
    format!("app [{name}] cannot listen on {why}{holder}")
}

/// Another app has the address and spreads connections in another way.
pub(super) fn disagree(
    registry: &Registry,
    (app, holder): (AppId, AppId),
    policy: Policy,
    key: &str,
) -> String {
    let (name, other) = (registry.app_name(app), registry.app_name(holder));
    format!(
        "app [{name}] cannot listen on {key}: app [{other}] does, balanced as `{}`; it got \
         EADDRINUSE; give both apps the same `balance`",
        policy_word(policy)
    )
}
