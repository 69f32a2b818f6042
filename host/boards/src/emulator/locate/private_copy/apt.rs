//! Runs apt's own programs, which write only to one private folder. They read this system's sources, keys and proxy
//! settings in `/etc/apt` and its list of installed packages, and check the archive's signatures as always.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::super::error::{CopyTrouble, FailureCause};
use super::listing::{self, SystemPackage};
use crate::firmware::system::last_lines;

const APT_GET: &str = "/usr/bin/apt-get";
const APT_CONFIG: &str = "/usr/bin/apt-config";
const DPKG_DEB: &str = "/usr/bin/dpkg-deb";
const DPKG_QUERY: &str = "/usr/bin/dpkg-query";
/// Search path of these programs.
const SEARCH_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
/// Lines of their error messages that are shown.
const LINES: usize = 6;

/// Settings that are read after all of the system's: only such a file can empty lists. Hooks are commands that
/// distributions have apt run after an update, on the system's own state.
const SETTINGS: &str = "\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Update::Post-Invoke-Stats;
#clear DPkg::Pre-Invoke;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Post-Invoke;
#clear AptCli::Hooks;
";

/// Options of every call.
const OPTIONS: [&str; 11] = [
    // Root stays root: another user could not write to a private folder.
    "APT::Sandbox::User=root",
    "Acquire::Languages=none",
    "Acquire::Retries=1",
    "Acquire::http::Timeout=20",
    "Acquire::https::Timeout=20",
    "Acquire::AllowInsecureRepositories=false",
    "Acquire::AllowWeakRepositories=false",
    "Acquire::AllowDowngradeToInsecureRepositories=false",
    "APT::Get::AllowUnauthenticated=false",
    "APT::Install-Recommends=false",
    "APT::Install-Suggests=false",
];

/// Returns true if the programs are installed.
pub(in super::super) fn has_tools() -> bool {
    [APT_GET, APT_CONFIG, DPKG_DEB, DPKG_QUERY].iter().all(|program| Path::new(program).is_file())
}

/// apt with its state in a private folder.
#[derive(Debug)]
pub(super) struct Apt {
    lists: PathBuf,
    cache: PathBuf,
    log: PathBuf,
    packages: PathBuf,
    settings: PathBuf,
    /// An empty list of installed packages.
    nothing_installed: PathBuf,
    /// Error messages of the update.
    update_said: String,
}

impl Apt {
    /// Prepares an existing folder.
    pub(super) fn new(folder: &Path) -> Result<Self, CopyTrouble> {
        let [lists, cache, log, packages, settings, nothing_installed] =
            ["lists", "cache", "log", "packages", "apt.conf", "status"].map(|name| folder.join(name));
        for path in [lists.join("partial"), cache.join("archives").join("partial"), log.clone(), packages.clone()] {
            fs::create_dir_all(&path).map_err(|source| CopyTrouble::Write { path, source })?;
        }
        for (path, text) in [(&settings, SETTINGS), (&nothing_installed, "")] {
            fs::write(path, text).map_err(|source| CopyTrouble::Write { path: path.clone(), source })?;
        }
        Ok(Self { lists, cache, log, packages, settings, nothing_installed, update_said: String::new() })
    }

    fn apt_get(&self) -> Command {
        let mut command = tool(APT_GET);
        command.arg("--quiet=1").arg("--config-file").arg(&self.settings);
        for (name, path) in [("Dir::State::Lists", &self.lists), ("Dir::Cache", &self.cache), ("Dir::Log", &self.log)] {
            let mut option = std::ffi::OsString::from(name);
            option.push("=");
            option.push(path);
            command.arg("--option").arg(option);
        }
        for option in OPTIONS {
            command.arg("--option").arg(option);
        }
        command.current_dir(&self.packages);
        command
    }

    /// Downloads the lists of this system's sources. It is no error yet if some fail: the others may have the packages.
    pub(super) fn update(&mut self) -> Result<(), CopyTrouble> {
        let dumped = output(tool(APT_CONFIG).args(["dump", "Acquire::IndexTargets"]), APT_CONFIG)?;
        let mut command = self.apt_get();
        for target in listing::index_targets(&String::from_utf8_lossy(&dumped.stdout)) {
            if target != "deb::Packages" {
                command.arg("--option").arg(format!("Acquire::IndexTargets::{target}::DefaultEnabled=false"));
            }
        }
        let output = output(command.arg("update"), APT_GET)?;
        self.update_said = said(&output);
        Ok(())
    }

    /// Returns the packages that installing `package` would add to this system.
    pub(super) fn packages_for(&self, package: &str) -> Result<Vec<SystemPackage>, CopyTrouble> {
        let mut install = self.apt_get();
        install.args(["--simulate", "install", package]);
        let doing = "looking up what the emulator needs";
        let packages = match self.run(&mut install, APT_GET, doing) {
            Ok(simulated) => listing::to_add(&simulated),
            // Installed packages may be broken, held, or of another release, and conflict with the package.
            Err(trouble) => self.packages_beside(package).ok_or(trouble)?,
        };
        let packages: Vec<SystemPackage> = packages.into_iter().filter(|package| !package.is_c_library()).collect();
        if packages.is_empty() {
            let said = format!("there is nothing to add for {package}, but it does not work");
            return Err(CopyTrouble::Step { doing, cause: FailureCause::Other, said });
        }
        Ok(packages)
    }

    /// Returns the packages that installing `package` would add to an empty system, without those installed here.
    fn packages_beside(&self, package: &str) -> Option<Vec<SystemPackage>> {
        let mut status = std::ffi::OsString::from("Dir::State::Status=");
        status.push(&self.nothing_installed);
        let mut install = self.apt_get();
        install.arg("--option").arg(status).args(["--simulate", "install", package]);
        let simulated = output(&mut install, APT_GET).ok().filter(|output| output.status.success())?;
        let mut query = tool(DPKG_QUERY);
        query.args(["--show", "--showformat", "${db:Status-Abbrev} ${Package}\\n"]);
        let queried = output(&mut query, DPKG_QUERY).ok()?;
        let queried = String::from_utf8_lossy(&queried.stdout);
        let installed = listing::installed(&queried);
        let packages = listing::to_add(&String::from_utf8_lossy(&simulated.stdout)).into_iter();
        // The emulator's own packages must have the same version.
        let is_added =
            |added: &SystemPackage| added.name.starts_with("qemu") || !installed.contains(&added.name.as_str());
        Some(packages.filter(is_added).collect())
    }

    /// Returns the download size of these packages, bytes.
    pub(super) fn download_bytes(&self, packages: &[SystemPackage]) -> Result<u64, CopyTrouble> {
        let mut command = self.apt_get();
        command.args(["--print-uris", "download"]).args(packages.iter().map(SystemPackage::selector));
        Ok(listing::download_bytes(&self.run(&mut command, APT_GET, "asking for the packages' sizes")?))
    }

    /// Downloads these packages.
    pub(super) fn download(&self, packages: &[SystemPackage]) -> Result<(), CopyTrouble> {
        let mut command = self.apt_get();
        command.arg("download").args(packages.iter().map(SystemPackage::selector));
        self.run(&mut command, APT_GET, "downloading the packages").map(drop)
    }

    /// Unpacks the downloaded packages.
    pub(super) fn unpack(&self, into: &Path) -> Result<(), CopyTrouble> {
        let unreadable = |source| CopyTrouble::Write { path: self.packages.clone(), source };
        for entry in fs::read_dir(&self.packages).map_err(unreadable)? {
            let package = entry.map_err(unreadable)?.path();
            self.run(tool(DPKG_DEB).arg("--extract").args([&package, into]), DPKG_DEB, "unpacking the packages")?;
        }
        Ok(())
    }

    /// Returns the output of a program. If it fails, the update's error is taken as the cause if there is one: a
    /// missing list shows only when a package is looked for.
    fn run(&self, command: &mut Command, program: &'static str, doing: &'static str) -> Result<String, CopyTrouble> {
        let output = output(command, program)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let now = said(&output);
        let cause = FailureCause::of(&now).or_earlier(FailureCause::of(&self.update_said));
        let all = if self.update_said.is_empty() { now } else { format!("{}\n{now}", self.update_said) };
        Err(CopyTrouble::Step { doing, cause, said: last_lines(all.as_bytes(), LINES) })
    }
}

/// Returns a command whose messages are in English, whatever the user's environment.
fn tool(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("PATH", SEARCH_PATH).env("LC_ALL", "C").env_remove("LANGUAGE").stdin(Stdio::null());
    command
}

fn output(command: &mut Command, program: &'static str) -> Result<Output, CopyTrouble> {
    command.output().map_err(|source| CopyTrouble::Program { program, source })
}

/// Returns the errors and warnings of a program; if there are none and it failed, its whole output.
fn said(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    let all = String::from_utf8_lossy(&all);
    let is_complaint = |line: &&str| ["E:", "W:", "dpkg-deb:", "tar:"].iter().any(|start| line.starts_with(start));
    let complaints: Vec<&str> = all.lines().filter(is_complaint).collect();
    match (complaints.is_empty(), output.status.success()) {
        (false, _) => complaints.join("\n"),
        (true, true) => String::new(),
        (true, false) => all.trim().to_owned(),
    }
}
