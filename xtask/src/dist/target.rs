//! What a program is built for, and how each kind of package calls that.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::run::{command, output};

/// A processor, in the words of each kind of package.
struct Machine {
    rust: &'static str,
    deb: &'static str,
    rpm: &'static str,
    npm: &'static str,
    /// In the tag of a wheel; empty where PyPI has none.
    wheel: &'static str,
    /// In a container image, with the variant.
    oci: (&'static str, Option<&'static str>),
    pacman: &'static str,
    /// `None`: Homebrew does not run there.
    brew: Option<&'static str>,
}

static MACHINES: [Machine; 3] = [
    Machine {
        rust: "x86_64",
        deb: "amd64",
        rpm: "x86_64",
        npm: "x64",
        wheel: "x86_64",
        oci: ("amd64", None),
        pacman: "x86_64",
        brew: Some("x86_64"),
    },
    Machine {
        rust: "aarch64",
        deb: "arm64",
        rpm: "aarch64",
        npm: "arm64",
        wheel: "aarch64",
        oci: ("arm64", None),
        pacman: "aarch64",
        brew: Some("arm64"),
    },
    Machine {
        rust: "armv7",
        deb: "armhf",
        rpm: "armv7hl",
        npm: "arm",
        wheel: "armv7l",
        oci: ("arm", Some("v7")),
        pacman: "armv7h",
        brew: None,
    },
];

/// What a program is built for.
#[derive(Clone)]
pub struct Target {
    /// The compiler's name of it: `x86_64-unknown-linux-musl`.
    pub triple: String,
    words: &'static Machine,
}

impl Target {
    /// Finds the target of this name.
    pub fn of(triple: &str) -> Result<Self> {
        let machine = triple.split('-').next().unwrap_or_default();
        let known = || MACHINES.each_ref().map(|of| of.rust).join(", ");
        let words = MACHINES.iter().find(|of| of.rust == machine);
        let words =
            words.with_context(|| format!("packages are made for {}, not `{triple}`", known()))?;
        if !triple.contains("-linux-") {
            bail!("packages are made for Linux, not `{triple}`");
        }
        Ok(Self { triple: triple.to_owned(), words })
    }

    /// Returns the target for this machine: with musl where the toolchain has its standard library,
    /// else with glibc, which is linked statically, too.
    pub fn of_host() -> Result<Self> {
        let told = output(command("rustc", ["-vV"]))?;
        let host = told.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.context("`rustc -vV` names no host")?;
        let musl = host.replace("-gnu", "-musl");
        let libs = output(command("rustc", ["--print", "target-libdir", "--target", &musl]));
        let has_musl = libs.is_ok_and(|folder| Path::new(folder.trim()).exists());
        Self::of(if has_musl { &musl } else { host })
    }

    /// Returns the processor as the compiler names it.
    pub fn machine(&self) -> &'static str {
        self.words.rust
    }

    /// Returns it as Debian does.
    pub fn deb(&self) -> &'static str {
        self.words.deb
    }

    /// Returns it as Fedora does.
    pub fn rpm(&self) -> &'static str {
        self.words.rpm
    }

    /// Returns it as Node does.
    pub fn npm(&self) -> &'static str {
        self.words.npm
    }

    /// Returns it as container images do, with the variant.
    pub fn oci(&self) -> (&'static str, Option<&'static str>) {
        self.words.oci
    }

    /// Returns it as Arch Linux does.
    pub fn pacman(&self) -> &'static str {
        self.words.pacman
    }

    /// Returns it as Homebrew does, where that runs there.
    pub fn brew(&self) -> Option<&'static str> {
        self.words.brew
    }

    /// Returns the platforms of a wheel. A static program needs no C library at all, so it runs
    /// where either is.
    pub fn wheel(&self) -> String {
        let machine = self.words.wheel;
        format!("manylinux_2_17_{machine}.manylinux2014_{machine}.musllinux_1_1_{machine}")
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_target_has_a_name_in_each_kind_of_package() {
        let of = |triple: &str| Target::of(triple).map(|of| [of.deb(), of.npm()]).ok();
        assert_eq!(of("x86_64-unknown-linux-musl"), Some(["amd64", "x64"]));
        assert_eq!(of("armv7-unknown-linux-musleabihf"), Some(["armhf", "arm"]));
        assert_eq!(of("x86_64-apple-darwin"), None);
        assert_eq!(of("riscv64gc-unknown-linux-gnu"), None);
    }
}
