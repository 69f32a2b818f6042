//! Settings for what is outside of this process: firmware, emulator, network, cache folder.
//!
//! The command line's options set them once, at the start. A program that sets nothing gets the environment's settings.

use std::env;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Environment variables with the same meaning as the options of these names.
pub mod variables {
    /// `--build-firmware`: `1` to build firmware from source.
    pub const BUILD_FIRMWARE: &str = "PINHOLE_BUILD_FIRMWARE";
    /// `--emulator`: path of a `qemu-system-arm`.
    pub const EMULATOR: &str = "PINHOLE_EMULATOR";
    /// `--offline`: `1` to download nothing.
    pub const OFFLINE: &str = "PINHOLE_OFFLINE";
    /// Path of the cache folder.
    pub const CACHE: &str = "PINHOLE_CACHE";
}

/// Settings of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessSettings {
    /// Build firmware from source, in a checkout, instead of using the prebuilt firmware inside this program.
    pub build_firmware: bool,
    /// Path of the emulator; absent to look for one.
    pub emulator: Option<PathBuf>,
    /// Download nothing.
    pub offline: bool,
}

static SETTINGS: OnceLock<ProcessSettings> = OnceLock::new();

impl ProcessSettings {
    /// Reads the settings from the environment's [`variables`].
    pub fn from_environment() -> Self {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        Self {
            build_firmware: is_set(variables::BUILD_FIRMWARE),
            emulator: env::var_os(variables::EMULATOR).filter(|path| !path.is_empty()).map(PathBuf::from),
            offline: is_set(variables::OFFLINE),
        }
    }

    /// Returns the process's settings: those that were [set](Self::set), else the environment's.
    pub fn current() -> &'static Self {
        SETTINGS.get_or_init(Self::from_environment)
    }

    /// Sets the process's settings. Only the first call has an effect, and only before the settings are first used.
    pub fn set(self) {
        let _ = SETTINGS.set(self);
    }
}
