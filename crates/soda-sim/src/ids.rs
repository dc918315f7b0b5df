//! Opaque row identifiers and versions.
//!
//! An identifier is a 64-bit number written in an alphabet whose byte order is its numeric order,
//! so that identifiers sort alike as numbers (inside the index) and as text (in a query).

const ALPHABET: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";
const SEPARATORS: &[u8; 4] = b"-._~";
const PREFIX: &[u8; 4] = b"row-";

/// An identifier as text: `row-xxxx~xxxx-xxxx`, always of this length.
pub(crate) type IdText = [u8; 18];

/// Maps 64-bit numbers to scattered ones: distinct in, distinct out.
pub(crate) fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Returns a stable hash of a name (FNV-1a), to give every dataset its own identifiers.
pub(crate) fn hash_name(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Returns the text of an identifier.
pub(crate) fn text(id: u64) -> IdText {
    let mut out = *b"row-xxxx~xxxx-xxxx";
    out[17] = letter(id);
    out[16] = letter(id >> 5);
    out[15] = letter(id >> 10);
    out[14] = letter(id >> 15);
    out[13] = separator(id >> 20);
    out[12] = letter(id >> 22);
    out[11] = letter(id >> 27);
    out[10] = letter(id >> 32);
    out[9] = letter(id >> 37);
    out[8] = separator(id >> 42);
    out[7] = letter(id >> 44);
    out[6] = letter(id >> 49);
    out[5] = letter(id >> 54);
    out[4] = letter(id >> 59);
    out
}

/// Returns the text of an identifier, as a string.
pub(crate) fn string(id: u64) -> String {
    text(id).iter().copied().map(char::from).collect()
}

/// Returns the text of a row version: an identifier under another prefix.
pub(crate) fn version(number: u64) -> String {
    let id = text(scatter(number));
    std::iter::once('r').chain(std::iter::once('v')).chain(id[3..].iter().copied().map(char::from)).collect()
}

/// Returns the number of an identifier, if the text is one of ours.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let bytes: &IdText = text.as_bytes().try_into().ok()?;
    if &bytes[..4] != PREFIX {
        return None;
    }
    let mut id = 0_u64;
    for (place, byte) in bytes.iter().enumerate().skip(4) {
        let (alphabet, bits): (&[u8], u32) = if place == 8 || place == 13 { (SEPARATORS, 2) } else { (ALPHABET, 5) };
        let digit = alphabet.iter().position(|known| known == byte)?;
        id = (id << bits) | u64::try_from(digit).ok()?;
    }
    Some(id)
}

fn letter(bits: u64) -> u8 {
    ALPHABET[usize::try_from(bits & 31).unwrap_or(0)]
}

fn separator(bits: u64) -> u8 {
    SEPARATORS[usize::try_from(bits & 3).unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_reads_back_as_the_number_it_was_made_of() {
        for number in (0..2_000).map(scatter).chain([0, u64::MAX]) {
            assert_eq!(parse(&string(number)), Some(number));
        }
    }

    #[test]
    fn identifiers_sort_as_text_the_way_they_sort_as_numbers() {
        let mut numbers: Vec<u64> = (0..2_000).map(scatter).collect();
        numbers.sort_unstable();
        let texts: Vec<String> = numbers.iter().map(|id| string(*id)).collect();
        assert!(texts.is_sorted());
    }

    #[test]
    fn foreign_text_is_not_an_identifier() {
        for text in ["", "row-", "row-vb4t-m2s8~23fg!", "row-LLLL~llll~oooo", "größe-größe-größe"] {
            assert_eq!(parse(text), None);
        }
    }
}
