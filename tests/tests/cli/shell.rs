//! Expected behavior in a shell: completions, manual pages, quiet and verbose, colors.

use pinhole_core::simd::Instructions;

use super::*;

/// Returns the completions of the last word of an unfinished command line, as the shell's script gets them.
fn completed(words: &[&str]) -> Vec<String> {
    let mut command = pinhole(["--", "pinhole"].iter().chain(words));
    command.env("PINHOLE_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", words.len().to_string());
    command.env("_CLAP_IFS", "\n").env("_CLAP_COMPLETE_COMP_TYPE", "9").env("_CLAP_COMPLETE_SPACE", "true");
    Ran::of(command.current_dir(repository())).ok().stdout.lines().map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn names_and_paths_are_completed() {
    for (words, expected) in [
        (&["pro"][..], &["prove"][..]),
        (&["train", "photos", "--recipe", "conv-50"], &["conv-50", "conv-50-tiny"]),
        (&["train", "photos", "--recipe", "au"], &["auto", "augmented"]),
        (&["recipes", "au"], &["augmented"]),
        (&["recipes", "vg"], &["vgg"]),
        (&["study", "photos", "--systems", "vgg,aut"], &["vgg,auto"]),
        (&["study", "photos", "--systems", "vgg,conv-9"], &["vgg,conv-96"]),
        (&["train", "photos", "--from", "conv-9"], &["conv-96"]),
        (&["inspect", "dr"], &["drawn"]),
        (&["classify", "conv-9"], &["conv-96"]),
        (&["bench", "drawn", "--board", "qemu-m"], &["qemu-m0plus", "qemu-m33"]),
        (&["flash", "drawn", "--board", "p"], &["pico", "pico2"]),
        // Paths, besides names.
        (&["inspect", "READ"], &["README.md"]),
        (&["evaluate", "drawn", "READ"], &["README.md"]),
    ] {
        assert_eq!(completed(words), expected, "{words:?}");
    }
}

/// The script for bash works in bash.
#[cfg(unix)]
#[test]
fn bash_completes() {
    let temp = temporary();
    let program = temp.path().join("pinhole");
    std::os::unix::fs::symlink(pinhole_tests::program(), &program).unwrap();
    let script = "source <(pinhole completions bash)
        COMP_WORDS=(pinhole train photos --recipe conv-9) COMP_CWORD=4 COMP_TYPE=9
        _clap_complete_pinhole pinhole conv-9 --recipe
        echo \"${COMPREPLY[@]}\"";
    let path = format!("{}:{}", temp.path().display(), std::env::var("PATH").unwrap_or_default());
    let ran = Ran::of(std::process::Command::new("bash").args(["-c", script]).env("PATH", path)).ok();
    assert_eq!(ran.stdout.trim(), "conv-96", "{}", ran.stderr);
}

#[test]
fn every_shell_has_a_script() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&[&"completions", &shell]).ok().stdout;
        assert!(script.contains("PINHOLE_COMPLETE") && script.contains("pinhole"), "{shell}: {script}");
    }
    let ran = run(&[&"completions", &"basch"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("'bash'"), "{}", ran.stderr);
}

#[test]
fn every_command_has_a_manual_page() {
    let temp = temporary();
    let out = temp.path().join("man1");
    let told = run(&[&"man", &"--out", &out]).ok().stdout;
    let pages = names_in(&out);
    assert!(told.starts_with(&format!("{} pages in ", pages.len())), "{told}");
    let list = run(&[&"--help"]).ok().stdout;
    let commands = list.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("  "));
    let names = commands.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(' ').next());
    let mut expected: Vec<String> =
        names.filter(|name| *name != "help").map(|name| format!("pinhole-{name}.1")).collect();
    expected.push("pinhole.1".to_owned());
    expected.sort_unstable();
    assert_eq!(pages, expected);
    let page = std::fs::read_to_string(out.join("pinhole-train.1")).unwrap();
    for words in [".TH pinhole-train 1", "\\-\\-recipe", "Examples:", "pinhole train photos"] {
        assert!(page.contains(words), "no {words:?} in:\n{page}");
    }
}

/// `--quiet` keeps the result and errors; `--verbose` adds the origin of files.
#[test]
fn quiet_and_verbose() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    cats_and_dogs(&photos);
    std::fs::write(photos.join("cat-4.jpg"), "no picture").unwrap();
    let normal = run(&[&"classify", &"drawn", &photos]).ok();
    assert!(normal.stderr.contains("warning: left out"), "{}", normal.stderr);
    let quiet = run(&[&"-q", &"classify", &"drawn", &photos]).ok();
    assert_eq!((quiet.stdout, quiet.stderr.as_str()), (normal.stdout.clone(), ""));
    let verbose = run(&[&"classify", &"drawn", &photos, &"--verbose"]).ok();
    assert_eq!(verbose.stdout, normal.stdout);
    assert!(
        verbose.stderr.contains("model drawn, bundled: ")
            && verbose
                .stderr
                .contains(&format!("vector instructions of the integer engine: {}\n", Instructions::detect()))
            && verbose.stderr.contains("warning: "),
        "{}",
        verbose.stderr
    );
    let missing = temp.path().join("missing.jpg");
    refused(temp.path(), &[&"classify", &"drawn", &missing, &"-q"], &[&missing]);
    let out = temp.path().join("run");
    let ran = run(&[&"train", &synthetic("train"), &"--epochs", &"2", &"--out", &out, &"--quiet"]).ok();
    assert!(ran.stdout.contains("report") && ran.stderr.is_empty(), "{}", ran.stderr);
    let both = run(&[&"recipes", &"-q", &"-v"]);
    assert_eq!(both.code, Some(2), "{}", both.stderr);
}

/// Without a terminal there are no colors, unless requested; `NO_COLOR` has precedence.
#[test]
fn colors_by_the_usual_rules() {
    for arguments in [&["inspect", "no-such-model"][..], &["train", "photos", "--epochs", "ten"], &["train", "--help"]]
    {
        for (variables, colored) in [
            (&[][..], false),
            (&[("NO_COLOR", "1")], false),
            (&[("CLICOLOR_FORCE", "1")], true),
            (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        ] {
            let mut command = pinhole(arguments);
            command.env_remove("NO_COLOR").envs(variables.iter().copied());
            let ran = Ran::of(&mut command);
            let said = ran.stdout + &ran.stderr;
            assert!(!said.is_empty() && said.contains('\x1b') == colored, "{arguments:?} {variables:?}: {said:?}");
        }
    }
}
