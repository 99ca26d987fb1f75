//! Pictures as a report holds them: reduced, each once.

use std::io::Cursor;

use data_encoding::BASE64;
use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, ImageReader, Limits};

/// Of JPEG, 1 to 100: text stays legible.
const QUALITY: u8 = 58;
/// A picture that takes more memory (bytes) to unpack is none that a run took.
const MOST_MEMORY: u64 = 256 << 20;
/// How much taller than wide a reduced picture may be.
const TALLEST: u32 = 2;

/// A picture that steps refer to by its number.
#[derive(Debug)]
pub(super) struct Picture {
    /// As the bundle has it.
    pub(super) path: String,
    /// JPEG in Base64.
    pub(super) data: String,
    /// Of the original, in pixels.
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Reduces a picture to so many pixels of width. None: it is no PNG that can be read.
pub(super) fn reduce(path: &str, png: &[u8], width: u32) -> Option<Picture> {
    let mut reader = ImageReader::with_format(Cursor::new(png), ImageFormat::Png);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let original = reader.decode().ok()?;
    let (full_width, full_height) = (original.width(), original.height());
    let reduced = match full_width > width || full_height > width * TALLEST {
        true => original.thumbnail(width, width * TALLEST),
        false => original,
    };
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .encode_image(&reduced.to_rgb8())
        .ok()?;
    Some(Picture {
        path: path.to_owned(),
        data: BASE64.encode(&jpeg),
        width: full_width,
        height: full_height,
    })
}
