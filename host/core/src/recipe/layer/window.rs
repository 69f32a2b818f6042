//! Keys of sliding windows, of convolutions and pooling layers alike.

use pinhole_shared::shape::{Padding, Shape, Window};
use serde::{Deserialize, Serialize};

/// One number for both directions, or [vertical, horizontal].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number of 1 to 255, or two: [vertical, horizontal]")]
pub(super) enum WindowSides {
    Same(u8),
    Each([u8; 2]),
}

impl WindowSides {
    pub(super) const fn size(Window { height, width, .. }: Window) -> Self {
        Self::of(height, width)
    }

    pub(super) const fn stride(Window { stride_y, stride_x, .. }: Window) -> Self {
        Self::of(stride_y, stride_x)
    }

    const fn of(vertical: u8, horizontal: u8) -> Self {
        if vertical == horizontal { Self::Same(vertical) } else { Self::Each([vertical, horizontal]) }
    }

    const fn each(self) -> (u8, u8) {
        match self {
            Self::Same(side) => (side, side),
            Self::Each([vertical, horizontal]) => (vertical, horizontal),
        }
    }
}

/// One number for all sides, or [top, left, bottom, right].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number of 0 to 255, or four: [top, left, bottom, right]")]
pub(super) enum Around {
    Same(u8),
    Each([u8; 4]),
}

impl Around {
    /// Returns `None` for no padding.
    pub(super) fn of(Padding { top, left, bottom, right }: Padding) -> Option<Self> {
        match [top, left, bottom, right] {
            [0, 0, 0, 0] => None,
            each if each == [top; 4] => Some(Self::Same(top)),
            each => Some(Self::Each(each)),
        }
    }

    const fn padding(self) -> Padding {
        let [top, left, bottom, right] = match self {
            Self::Same(side) => [side; 4],
            Self::Each(sides) => sides,
        };
        Padding { top, left, bottom, right }
    }
}

/// Returns the window that these keys stand for.
pub(super) fn window(size: WindowSides, stride: WindowSides, padding: Option<Around>) -> Window {
    let ((height, width), (stride_y, stride_x)) = (size.each(), stride.each());
    Window { height, width, stride_y, stride_x, padding: padding.map(Around::padding).unwrap_or_default() }
}

/// Returns the rows and columns of the output; `name` is the key of the window's size.
pub(super) fn slid(window: Window, input: Shape, name: &str) -> Result<(u16, u16), String> {
    window.output_size(input).ok_or_else(|| {
        let Window { height, width, stride_y, stride_x, padding } = window;
        format!(
            "slides {height}x{width} over {input}, padded by [{}, {}, {}, {}], in steps of {stride_y}x{stride_x}, which \
             fits nowhere; `{name}` must be no larger than what it slides over, `padding` less than `{name}`, and `stride` \
             at least 1",
            padding.top, padding.left, padding.bottom, padding.right
        )
    })
}
