//! Messages for wrong input: first the cause, then a way out.

use super::*;

/// For an unknown model's name, every command lists the known ones.
#[test]
fn unknown_models_list_the_bundled_ones() {
    let temp = temporary();
    let photos = synthetic("train");
    let out = temp.path().join("out.h");
    let commands: [&[&dyn AsRef<OsStr>]; 8] = [
        &[&"inspect"],
        &[&"bench"],
        &[&"evaluate", &"conv-69", &photos],
        &[&"classify", &"conv-69", &photos],
        &[&"simulate", &"conv-69", &photos],
        &[&"quantize", &"conv-69", &photos],
        &[&"export", &"conv-69", &"--out", &out],
        &[&"train", &photos, &"--out", &out, &"--from", &"conv-69"],
    ];
    for command in commands {
        let bare: [&dyn AsRef<OsStr>; 2] = [command[0], &"conv-69"];
        let arguments = if command.len() == 1 { &bare[..] } else { command };
        let words: [&dyn AsRef<OsStr>; 3] =
            [&"there is no model \"conv-69\"", &"did you mean conv-96?", &"conv-50, conv-50-tiny, conv-96, drawn"];
        refused(temp.path(), arguments, &words);
    }
    // A name with an extension or in a folder is a path.
    refused(temp.path(), &[&"inspect", &"conv-69.pinhole"], &[&"conv-69.pinhole cannot be read", &"pinhole models"]);
}

/// The name of a recipe is not a model; that of a model is also a recipe.
#[test]
fn a_recipe_without_a_model_is_said_to_be_one() {
    let temp = temporary();
    let words: [&dyn AsRef<OsStr>; 3] =
        [&"vgg is the name of a recipe, not of a model", &"--recipe vgg", &"bundled models: conv-50"];
    refused(temp.path(), &[&"bench", &"vgg"], &words);
    refused(temp.path(), &[&"classify", &"vgg", &synthetic("train")], &words);
}

#[test]
fn mistyped_recipes_are_recognized() {
    let temp = temporary();
    let out = temp.path().join("run");
    let words: [&dyn AsRef<OsStr>; 2] = [&"there is no recipe \"conv50\"", &"did you mean conv-50?"];
    refused(temp.path(), &[&"train", &synthetic("train"), &"--recipe", &"conv50", &"--out", &out], &words);
    refused(temp.path(), &[&"recipes", &"conv50"], &words);
    refused(temp.path(), &[&"study", &synthetic("train"), &"--systems", &"vgg,conv50", &"--out", &out], &words);
    // Boards are suggested by clap.
    let ran = run(&[&"bench", &"drawn", &"--board", &"qemu-m0"]);
    assert!(ran.stderr.contains("similar value exists: 'qemu-m0plus'"), "{}", ran.stderr);
}

/// Each kind of unusable photo has its own advice.
#[test]
fn photos_are_told_what_is_wrong_with_them() {
    let temp = temporary();
    let [missing, empty, text] = ["missing.jpg", "empty.jpg", "text.jpg"].map(|name| temp.path().join(name));
    std::fs::write(&empty, "").unwrap();
    std::fs::write(&text, "no picture").unwrap();
    for (path, words, not) in [
        (&missing, &["cannot be read", "check the path"][..], "complete picture"),
        (&empty, &["the file is empty"], "check the path"),
        (&text, &["complete picture"], "check the path"),
    ] {
        let words: Vec<&dyn AsRef<OsStr>> =
            words.iter().map(|word| word as &dyn AsRef<OsStr>).chain([path as &dyn AsRef<OsStr>]).collect();
        for command in ["classify", "explain", "simulate"] {
            let said = refused(temp.path(), &[&command, &"drawn", path], &words);
            assert!(!said.contains(not), "{said}");
        }
    }
    // Other names are not taken for photos.
    let nowhere = temp.path().join("nowhere");
    refused(temp.path(), &[&"classify", &nowhere], &[&nowhere, &"neither a model nor a photo"]);
}

#[test]
fn other_colors_than_the_network_sees() {
    let temp = temporary();
    let out = temp.path().join("run");
    // A dense first layer; convolutions can continue with other colors.
    let arguments: [&dyn AsRef<OsStr>; 8] =
        [&"train", &synthetic("train"), &"--from", &"drawn", &"--color", &"rgb", &"--out", &out];
    refused(temp.path(), &arguments, &[&"in gray, and rgb was asked for", &"leave out --color", &"--recipe"]);
}

#[test]
fn widths_of_weights_name_the_number_of_layers() {
    let temp = temporary();
    let out = temp.path().join("out.pinhole");
    let arguments: [&dyn AsRef<OsStr>; 7] =
        [&"quantize", &"conv-50-tiny", &synthetic("train"), &"--weights", &"5", &"--out", &out];
    let said = refused(temp.path(), &arguments, &[&"--weights 5"]);
    let layers = said.split("a network of ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    assert!(layers.parse::<u32>().is_ok() && said.contains(&format!("or {layers} of them")), "{said}");
}

/// For a file that cannot be written, the message names it and not its temporary file.
#[test]
fn temporary_files_are_nobodys_matter() {
    let temp = temporary();
    let out = temp.path().join("no/such/folder/out.h");
    let said = refused(temp.path(), &[&"export", &"drawn", &"--out", &out], &[&out, &"cannot be written"]);
    // The tests' own folder is temporary too.
    assert!(!said.replace(temp.path().to_str().unwrap(), "").contains("tmp"), "{said}");
}

#[test]
fn a_quantized_model_has_no_float_weights() {
    let words: [&dyn AsRef<OsStr>; 2] = [&bundled_model(), &"weights.safetensors"];
    refused(temporary().path(), &[&"quantize", &bundled_model(), &synthetic("train")], &words);
}

/// An error to print results is an error of every command, including help and version.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let model = bundled_model();
    let photos = synthetic("validation");
    let commands: [&[&dyn AsRef<OsStr>]; 6] = [
        &[&"evaluate", &model, &photos, &"--json"],
        &[&"classify", &model, &photos],
        &[&"inspect", &model],
        &[&"recipes"],
        &[&"completions", &"bash"],
        &[&"train", &"--help"],
    ];
    for arguments in commands {
        let mut command = pinhole(arguments.iter().map(|argument| argument.as_ref()));
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let ran = Ran::of(command.stdout(full));
        assert_eq!(ran.code, Some(1), "{command:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("standard output cannot be written: No space left"), "{}", ran.stderr);
    }
}

/// A reader may close the pipe early.
#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_error() {
    for arguments in ["recipes", "inspect drawn --json", "--help"] {
        let script =
            format!("'{}' {arguments} | head -1; echo \"${{PIPESTATUS[0]}}\"", pinhole_tests::program().display());
        let ran = Ran::of(std::process::Command::new("bash").args(["-c", &script]));
        assert_eq!(ran.last_line(), "0", "{arguments}: {}", ran.stderr);
        assert_eq!(ran.stderr, "", "{arguments}");
    }
}
