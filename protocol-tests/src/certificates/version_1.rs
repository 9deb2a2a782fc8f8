//! Certificates of X.509 version 1, made out of those of version 3.
//!
//! ```text
//! Certificate    = SEQUENCE { TBSCertificate, signatureAlgorithm, BIT STRING signature }
//! TBSCertificate = SEQUENCE { [0] version, serial number … public key, [3] extensions }
//! ```
//! Version 1 is the one where `[0]` and `[3]` are left out.

use rcgen::{KeyPair, SigningKey};
use tokio_rustls::rustls::pki_types::CertificateDer;

/// The certificate of version 3 in version 1, signed with its own key once more.
pub(super) fn version_1(certificate: &[u8], key: &KeyPair) -> CertificateDer<'static> {
    let (_, parts, _) = element(certificate);
    let (_, mut fields, algorithm) = element(parts);
    let mut kept = Vec::new();
    while !fields.is_empty() {
        let (tag, _, rest) = element(fields);
        if ![VERSION, EXTENSIONS].contains(&tag) {
            kept.extend_from_slice(&fields[..fields.len() - rest.len()]);
        }
        fields = rest;
    }
    let mut content = encoded(SEQUENCE, &kept);
    let signature = key.sign(&content).expect("a key that signs");
    let (_, _, old_signature) = element(algorithm);
    content.extend_from_slice(&algorithm[..algorithm.len() - old_signature.len()]);
    // A bit string begins with the number of bits that its last byte has too many.
    content.extend(encoded(BIT_STRING, &[&[0], &signature[..]].concat()));
    encoded(SEQUENCE, &content).into()
}

/// The tag and the content of the first element of `bytes`, and what follows it.
fn element(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    let (start, length) = match bytes[1] {
        short @ 0..0x80 => (2, usize::from(short)),
        long => {
            let start = 2 + usize::from(long & 0x7f);
            let length = bytes[2..start].iter();
            (
                start,
                length.fold(0, |length, byte| length << 8 | usize::from(*byte)),
            )
        }
    };
    let (content, rest) = bytes[start..].split_at(length);
    (bytes[0], content, rest)
}

fn encoded(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let zeros = length.iter().take_while(|byte| **byte == 0).count();
    let length = &length[zeros..];
    let head = match content.len() {
        short @ 0..0x80 => vec![tag, short as u8],
        _ => [&[tag, 0x80 | length.len() as u8], length].concat(),
    };
    [&head, content].concat()
}

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
