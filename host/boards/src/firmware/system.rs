//! Finds programs of this machine.

use std::env;
use std::path::{Path, PathBuf};

/// Returns the path of a program on the search path.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// Returns true on Debian and its relatives.
pub(crate) fn has_apt() -> bool {
    Path::new("/usr/bin/apt-get").is_file()
}

/// Returns the last lines of a program's output.
pub(crate) fn last_lines(output: &[u8], count: usize) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_output() {
        assert_eq!(last_lines(b"a\nb\nc\n", 2), "b\nc");
        assert_eq!(last_lines(b"a\n", 5), "a");
        assert_eq!(last_lines(b"", 5), "");
    }

    #[test]
    fn no_program_has_this_name() {
        assert_eq!(find_program("pinhole-no-such-program"), None);
    }
}
