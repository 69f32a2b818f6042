//! Generates memory map, budget checks and buffer sizes of the board.

fn main() {
    if let Err(error) = pinhole_declaration::build_script::run("board.toml") {
        panic!("{error}");
    }
}
