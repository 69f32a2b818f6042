//! Any text as a recipe: an accepted one is written and read back equal.

use pinhole::recipe::Recipe;

/// Reads the bytes as a recipe. Returns true if it is accepted.
///
/// # Panics
/// If an accepted recipe is another one when it is written and read back.
pub fn case(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(recipe) = Recipe::parse(text, "any.toml") else { return false };
    let written = recipe.to_toml();
    let read = Recipe::parse(&written, "written.toml");
    assert_eq!(read.ok().as_ref(), Some(&recipe), "{written}");
    // Shapes and counts do not overflow.
    assert!(recipe.weight_count(2) > 0 && !recipe.shapes(2).is_empty());
    true
}
