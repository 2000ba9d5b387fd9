//! launchd: an agent of the user.

use super::installation::{Installation, Step};
use super::quote::xml;
use super::service::{Service, service_name};

/// Returns the installation in `~/Library/LaunchAgents`.
pub(super) fn installation(service: &Service) -> Installation {
    let label = if service.named {
        service.name.clone()
    } else {
        service_name(service.program, '.', &service.user)
    };
    let target = service.user_home.join(format!("Library/LaunchAgents/{label}.plist"));
    let file = target.display().to_string();
    Installation {
        text: text(service, &label),
        enable: vec![Step::of(["launchctl", "load", "-w", &file])],
        disable: vec![Step::of(["launchctl", "unload", "-w", &file])],
        forget: Vec::new(),
        target,
        mode: 0o644,
    }
}

fn text(service: &Service, label: &str) -> String {
    // Started again when it failed; ended by `kill`, it stays down. `boot` needs its time to stop
    // the apps.
    format!(
        "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">
<plist version=\"1.0\">
<dict>
\t<key>Label</key>
\t<string>{label}</string>
\t<key>UserName</key>
\t<string>{user}</string>
\t<key>ProgramArguments</key>
\t<array>
\t\t<string>{exe}</string>
\t\t<string>boot</string>
\t</array>
\t<key>EnvironmentVariables</key>
\t<dict>
\t\t<key>PATH</key>
\t\t<string>{path}</string>
\t\t<key>{variable}</key>
\t\t<string>{home}</string>
\t</dict>
\t<key>RunAtLoad</key>
\t<true/>
\t<key>KeepAlive</key>
\t<dict>
\t\t<key>SuccessfulExit</key>
\t\t<false/>
\t</dict>
\t<key>AbandonProcessGroup</key>
\t<true/>
\t<key>ExitTimeOut</key>
\t<integer>180</integer>
\t<key>StandardOutPath</key>
\t<string>{home}/boot.log</string>
\t<key>StandardErrorPath</key>
\t<string>{home}/boot.log</string>
</dict>
</plist>
",
        label = xml(label),
        user = xml(&service.user),
        exe = xml(&service.exe()),
        path = xml(&service.path),
        variable = service.home_variable(),
        home = xml(&service.home()),
    )
}
