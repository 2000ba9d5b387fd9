//! What is said of modules.

use super::*;

pub(super) fn tell(scene: &mut Scene) {
    let of = Notice::Module;
    let (name, version) = ("pm2-logrotate", Some("3.0.0"));
    scene.all(&[
        of(ModuleNotice::Installs { word: name, npm: true }),
        of(ModuleNotice::Fetched { npm: true }),
        of(ModuleNotice::Installed { name, version, configurable: true }),
        of(ModuleNotice::Installs { word: "./m-v1.tar.gz", npm: false }),
        of(ModuleNotice::Fetched { npm: false }),
        of(ModuleNotice::Develops),
        of(ModuleNotice::Installed { name, version: None, configurable: false }),
        of(ModuleNotice::Uninstalls { name }),
        of(ModuleNotice::Uninstalled { name }),
        of(ModuleNotice::Packed {
            folder: Path::new("/w/m"),
            path: Path::new("/w/m-v1-0-0.tar.gz"),
        }),
        of(ModuleNotice::Generated { name: "m", path: Path::new("/w/m") }),
        of(ModuleNotice::Published { name }),
    ]);
}
