//! What an app says of its files, in words: which are watched, and how its logs are rotated.

use ostler_config::watch::Watching;
use ostler_core::spec::{AppSpec, LogCompress, LogRotate};
use ostler_pm2::rotation::Rules;

/// Returns what of an app's files is watched.
pub(crate) fn watched(spec: &AppSpec) -> String {
    let watching = Watching::of(spec);
    let folder = spec.cwd.display();
    let mut text = match watching.paths.as_slice() {
        [] => format!("all of {folder}"),
        paths => format!("{} (in {folder})", paths.join(", ")),
    };
    if !watching.ignored.is_empty() {
        text.push_str(&format!(", without {}", watching.ignored.join(", ")));
    }
    text
}

/// Returns what an app and the settings of the home say of the rotation of its log files; nothing
/// where they say nothing.
pub(crate) fn rotation(spec: &AppSpec, rules: &Rules) -> Option<String> {
    let said = spec.logs.rotation.clone().or(&rules.rotation);
    let size = |bytes: u64| ostler_show::size(bytes);
    let when = said.rotate.map(|when| match when {
        LogRotate::Size => "by size",
        LogRotate::Hourly => "hourly",
        LogRotate::Daily => "daily",
        LogRotate::Weekly => "weekly",
        LogRotate::Monthly => "monthly",
        LogRotate::Never => "never",
    });
    let parts = [
        when.map(str::to_owned),
        said.cron.map(|pattern| format!("at {pattern}")),
        said.max_size.map(|bytes| format!("from {} on", size(bytes))),
        said.keep.map(|count| match count {
            u64::MAX => "every file kept".to_owned(),
            1 => "1 file kept".to_owned(),
            count => format!("{count} files kept"),
        }),
        said.keep_days.map(|days| format!("kept for {days} days")),
        said.keep_size.map(|bytes| format!("{} kept", size(bytes))),
        said.compress.map(|how| {
            let how = match how {
                LogCompress::No => "not compressed",
                LogCompress::Gzip => "compressed",
                LogCompress::Zstd => "compressed with zstd",
            };
            how.to_owned()
        }),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use ostler_core::spec::{LogCompress, LogRotation};

    use super::*;

    fn spec() -> AppSpec {
        AppSpec::new("/srv/app.js".into(), "/srv".into())
    }

    #[test]
    fn what_is_watched_is_named_with_its_paths() {
        let mut spec = spec();
        spec.passthrough.insert("watch", "true".to_owned());
        assert_eq!(watched(&spec), "all of /srv");
        spec.passthrough.insert("watch", r#"["src","lib/*.js"]"#.to_owned());
        spec.passthrough.insert("ignore_watch", r#"["*.log"]"#.to_owned());
        assert_eq!(watched(&spec), "src, lib/*.js (in /srv), without *.log");
    }

    #[test]
    fn what_is_said_of_rotation_is_shown_of_app_and_home() {
        let mut spec = spec();
        assert_eq!(rotation(&spec, &Rules::default()), None);
        let compress = Some(LogCompress::Zstd);
        let of_home = LogRotation { keep: Some(5), compress, ..LogRotation::default() };
        let rules = Rules { rotation: of_home, ..Rules::default() };
        spec.logs.rotation.max_size = Some(20 << 20);
        spec.logs.rotation.keep = Some(1);
        let said = rotation(&spec, &rules);
        assert_eq!(said.as_deref(), Some("from 20.0M on, 1 file kept, compressed with zstd"));
    }
}
