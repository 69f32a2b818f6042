//! Good model files, made by the real trainer and quantizer, and a type to change them.

use std::ops::ControlFlow;
use std::sync::OnceLock;

use pinhole::model_file::{ModelFile, Packing};
use pinhole::photos::{self, Dataset};
use pinhole::quantize::{ActivationBits, quantize};
use pinhole::recipe::{DEFAULT, Recipe, WEIGHT_BITS};
use pinhole::synthetic::{self, Set};
use pinhole::train::{Network, train};
use pinhole_core::testing;
use pinhole_shared::model::{HEADER_BYTES, Model, ModelError, RECORD_BYTES, seal};
use pinhole_shared::pixels::InputShape;

/// The model of users who change nothing: the default recipe, some 320 KB, from synthetic pictures. Few epochs, because
/// its accuracy does not matter here.
pub(crate) fn big() -> &'static ModelFile {
    static BIG: OnceLock<ModelFile> = OnceLock::new();
    BIG.get_or_init(|| {
        let mut recipe = Recipe::find(DEFAULT).unwrap();
        recipe.training.epochs = 3;
        let folder = pinhole_tests::temporary();
        for drawing in synthetic::drawings(synthetic::SHIPPED_SEED, 4, Set::Train) {
            let path = folder.path().join(drawing.file_name);
            std::fs::write(path, synthetic::encode_jpeg(&drawing.picture)).unwrap();
        }
        let photos = photos::load(folder.path(), recipe.input(), None).unwrap();
        trained(&recipe, &photos, ActivationBits::Sixteen)
    })
}

/// A model of a few hundred bytes in three layers: 8-bit relu, 16-bit linear, and logits of [`CLASSES`].
pub(crate) fn small() -> &'static ModelFile {
    static SMALL: OnceLock<ModelFile> = OnceLock::new();
    SMALL.get_or_init(|| small_with(8))
}

/// Returns [`small`] with weights of this width.
pub(crate) fn small_with(bits: u8) -> ModelFile {
    let text = "input_side = 8\n[training]\nepochs = 3\nbatch = 12\nlearning_rate = 0.01\n\
                [[layer]]\noutputs = 10\nactivation = \"relu\"\n[[layer]]\noutputs = 6\nactivation = \"linear\"\n";
    let photos = testing::noise(InputShape::gray(8), &CLASSES, testing::in_turn(12, 3), 3);
    let mut recipe = testing::recipe(text);
    recipe.set_weight_bits(&[bits]).unwrap();
    trained(&recipe, &photos, ActivationBits::Eight)
}

/// Returns [`small`] in every layout.
pub(crate) fn packed_samples() -> &'static [Draft] {
    static PACKED: OnceLock<Vec<Draft>> = OnceLock::new();
    PACKED.get_or_init(|| {
        let packings = [Packing::Rows, Packing::CortexM4, Packing::CortexM0Plus];
        let each = WEIGHT_BITS.into_iter().map(small_with);
        each.flat_map(|file| packings.map(|packing| Draft::of(file.packed(packing).unwrap().bytes()))).collect()
    })
}

/// Classes of [`small`]: names of equal length, so that a test can replace one by another in place.
pub(crate) const CLASSES: [&str; 3] = ["ant", "bee", "elk"];

fn trained(recipe: &Recipe, photos: &Dataset, bits: ActivationBits) -> ModelFile {
    let network = Network::new(recipe, &photos.classes, 1).unwrap();
    let outcome = train(network, photos, photos, 1, |_| ControlFlow::Continue(())).unwrap();
    quantize(&outcome.network, photos, bits).unwrap()
}

/// Bytes to be changed and parsed, aligned to 4 bytes as parsing requires.
#[derive(Clone)]
pub(crate) struct Draft {
    words: Vec<u32>,
    length: usize,
}

impl Draft {
    /// Copies these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut draft = Self { words: vec![0; bytes.len().div_ceil(4)], length: bytes.len() };
        draft.bytes_mut().copy_from_slice(bytes);
        draft
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.length]
    }

    pub(crate) fn parse(&self) -> Result<Model<'_>, ModelError> {
        Model::parse(self.bytes())
    }

    /// Cuts the file, or extends it with zeros.
    pub(crate) fn resize(&mut self, length: usize) {
        self.words.resize(length.div_ceil(4), 0);
        self.length = length;
    }

    pub(crate) fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.bytes_mut()[offset..][..bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn put_u16(&mut self, offset: usize, value: u16) {
        self.put(offset, &value.to_le_bytes());
    }

    pub(crate) fn put_u32(&mut self, offset: usize, value: u32) {
        self.put(offset, &value.to_le_bytes());
    }

    pub(crate) fn u32(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.bytes()[offset..][..4].try_into().unwrap())
    }

    /// Renews the checksum.
    pub(crate) fn seal(&mut self) {
        seal(self.bytes_mut());
    }

    /// Renews the checksum and corrects the file's statements about its weights (accumulator bounds, number of
    /// multiply-accumulates). So changed weights and shapes pass these checks and reach the later ones.
    pub(crate) fn restate(&mut self) {
        // Each round corrects one statement; there are at most as many as layers plus one.
        for _ in 0..=pinhole_shared::model::MAX_LAYERS {
            self.seal();
            match self.parse().err() {
                Some(ModelError::Bound { layer, expected, .. }) => self.put_u32(record(layer) + 28, expected),
                Some(ModelError::Header { offset: 40, .. }) => {
                    let layers = usize::from(self.bytes()[28]);
                    let macs =
                        (0..layers).map(|layer| self.u32(record(layer) + 8) * self.u32(record(layer) + 12)).sum();
                    self.put_u32(40, macs);
                }
                _ => return,
            }
        }
    }
}

/// Returns the offset of a layer's record.
pub(crate) fn record(layer: usize) -> usize {
    HEADER_BYTES + layer * RECORD_BYTES
}
