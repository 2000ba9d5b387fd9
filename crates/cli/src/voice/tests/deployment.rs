//! Deployments to other machines.

use super::*;

pub(super) fn tell(scene: &mut Scene) {
    let (target, commit) = ("production", "962aa36002ee47f90e6a903cbe6f60d0c0d079c0");
    let all = [
        DeployNotice::Begins { target },
        DeployNotice::Host { name: "web1" },
        DeployNotice::Step { host: Some("web1"), text: "fetching updates" },
        DeployNotice::Step { host: None, text: "deploying v1" },
        DeployNotice::Deployed { target, version: "v1", commit, hosts: 2 },
        DeployNotice::SetUp { target, hosts: 1 },
        DeployNotice::Success,
        DeployNotice::Failed { code: 3 },
    ];
    all.into_iter().for_each(|notice| scene.tell(&Notice::Deploy(notice)));
}
