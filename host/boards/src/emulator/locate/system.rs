//! The operating system, and how to install the emulator on it.

use std::fs;

/// Files that name a Linux distribution.
/// Source: os-release(5).
const OS_RELEASE: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

/// Operating systems by their package manager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum OperatingSystem {
    /// Debian and its relatives: apt.
    Debian,
    /// Fedora and its relatives: dnf.
    Fedora,
    /// Arch and its relatives: pacman.
    Arch,
    /// SUSE's distributions: zypper.
    Suse,
    /// Alpine: apk.
    Alpine,
    /// NixOS.
    Nix,
    /// macOS: Homebrew.
    MacOs,
    /// Windows: winget.
    Windows,
    /// Any other system.
    #[default]
    Other,
}

impl OperatingSystem {
    /// Returns the system that this program runs on.
    pub(super) fn of_this_machine() -> Self {
        if cfg!(target_os = "macos") {
            return Self::MacOs;
        }
        if cfg!(windows) {
            return Self::Windows;
        }
        os_release().map_or(Self::Other, |text| Self::of_release(&text))
    }

    /// Returns the system of an os-release file: its `ID`, else the first known of its `ID_LIKE`.
    fn of_release(text: &str) -> Self {
        let like = value(text, "ID_LIKE").unwrap_or_default();
        let names = value(text, "ID").into_iter().chain(like.split_whitespace().map(str::to_owned));
        names.map(|name| Self::of_id(&name)).find(|system| *system != Self::Other).unwrap_or_default()
    }

    fn of_id(id: &str) -> Self {
        match id {
            "debian" | "ubuntu" | "raspbian" => Self::Debian,
            "fedora" | "rhel" | "centos" => Self::Fedora,
            "arch" => Self::Arch,
            "alpine" => Self::Alpine,
            "nixos" => Self::Nix,
            id if id == "suse" || id.starts_with("opensuse") || id == "sles" => Self::Suse,
            _ => Self::Other,
        }
    }

    /// Returns the command that installs the emulator for all users, or advice if none is known.
    pub(super) fn install_command(self) -> &'static str {
        match self {
            Self::Debian => "sudo apt-get install qemu-system-arm",
            Self::Fedora => "sudo dnf install qemu-system-arm",
            Self::Arch => "sudo pacman -S qemu-system-arm",
            Self::Suse => "sudo zypper install qemu-arm",
            Self::Alpine => "sudo apk add qemu-system-arm",
            Self::Nix => "nix-shell -p qemu",
            Self::MacOs => "brew install qemu",
            Self::Windows => "winget install SoftwareFreedomConservancy.QEMU",
            Self::Other => "install QEMU's qemu-system-arm with this system's package manager",
        }
    }

    /// Returns [`OperatingSystem::install_command`] as a sentence.
    pub(super) fn install_advice(self) -> String {
        match self {
            Self::Other => self.install_command().to_owned(),
            _ => format!("run: {}", self.install_command()),
        }
    }
}

fn os_release() -> Option<String> {
    OS_RELEASE.iter().find_map(|path| fs::read_to_string(path).ok())
}

/// Returns a name for system release and architecture, such as `debian-12-x86_64`. Libraries depend on both.
pub(super) fn release() -> String {
    release_of(&os_release().unwrap_or_default(), std::env::consts::ARCH)
}

fn release_of(text: &str, architecture: &str) -> String {
    let id = value(text, "ID").unwrap_or_else(|| std::env::consts::OS.to_owned());
    // Releases in development have no number.
    let version = value(text, "VERSION_ID").or_else(|| value(text, "VERSION_CODENAME"));
    let name = [Some(id), version, Some(architecture.to_owned())].into_iter().flatten().collect::<Vec<_>>().join("-");
    name.replace(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '.' | '-' | '_'), "_")
}

/// Returns a variable's value in an os-release file, without its quotes; `None` if it is absent or empty.
fn value(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
    Some(line.trim_matches(['"', '\'']).to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n";
    const MINT: &str = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=\"22\"\n";

    #[test]
    fn a_system_has_its_own_command() {
        for (release, command) in [
            (DEBIAN, "sudo apt-get install qemu-system-arm"),
            (MINT, "sudo apt-get install qemu-system-arm"),
            ("ID=ubuntu\nID_LIKE=debian\n", "sudo apt-get install qemu-system-arm"),
            ("ID=fedora\nVERSION_ID=42\n", "sudo dnf install qemu-system-arm"),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "sudo dnf install qemu-system-arm"),
            ("ID=manjaro\nID_LIKE=arch\n", "sudo pacman -S qemu-system-arm"),
            ("ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"\n", "sudo zypper install qemu-arm"),
            ("ID=alpine\n", "sudo apk add qemu-system-arm"),
            ("ID=nixos\n", "nix-shell -p qemu"),
        ] {
            assert_eq!(OperatingSystem::of_release(release).install_command(), command, "{release}");
        }
        for unknown in ["", "ID=\n", "ID=plan9\nID_LIKE=unix\n", "NOT_ID=debian\n"] {
            assert_eq!(OperatingSystem::of_release(unknown), OperatingSystem::Other, "{unknown}");
        }
        assert!(!OperatingSystem::Other.install_advice().starts_with("run"));
    }

    #[test]
    fn releases_have_names_of_files() {
        assert_eq!(release_of(DEBIAN, "x86_64"), "debian-12-x86_64");
        assert_eq!(release_of("ID=debian\nVERSION_CODENAME=sid\n", "aarch64"), "debian-sid-aarch64");
        assert_eq!(release_of("ID=../x y\n", "arm"), ".._x_y-arm");
        assert_eq!(release_of("", "arm"), format!("{}-arm", std::env::consts::OS));
    }
}
