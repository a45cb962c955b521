//! Whether the chat server would take a wallet: an Ethereum address and a compressed secp256k1 key.

use super::keccak::keccak256;

/// The prime of secp256k1's field (SEC 2, 2.4.1): a coordinate is less.
const FIELD: &str = "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f";

/// `0x` and 40 hexadecimal digits; in mixed case they carry the checksum of EIP-55.
pub(super) fn is_address(text: &str) -> bool {
    let Some(digits) = text.strip_prefix("0x").and_then(|it| <[u8; 40]>::try_from(it.as_bytes()).ok()) else {
        return false;
    };
    let one_case = |other: fn(&u8) -> bool| !digits.iter().any(other);
    digits.iter().all(u8::is_ascii_hexdigit)
        && (one_case(u8::is_ascii_uppercase) || one_case(u8::is_ascii_lowercase) || checks(digits))
}

/// EIP-55: a letter is a capital where the digest of the small ones has a digit from 8 up at its place.
fn checks(digits: [u8; 40]) -> bool {
    let digest = keccak256(&digits.to_ascii_lowercase().try_into().unwrap_or(digits));
    digits.iter().enumerate().filter(|(_, it)| it.is_ascii_alphabetic()).all(|(at, letter)| {
        let digit = if at % 2 == 0 { digest[at / 2] >> 4 } else { digest[at / 2] & 0xf };
        letter.is_ascii_uppercase() == (digit >= 8)
    })
}

/// `02` or `03` and 64 hexadecimal digits below the field's prime (SEC 1, 2.3.3).
pub(super) fn is_public_key(text: &str) -> bool {
    let coordinate = text.strip_prefix("02").or_else(|| text.strip_prefix("03"));
    coordinate.is_some_and(|it| {
        it.len() == 64 && it.bytes().all(|byte| byte.is_ascii_hexdigit()) && *it.to_ascii_lowercase() < *FIELD
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_eip_55_and_their_corruptions() {
        let all = [
            // EIP-55, test cases.
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "0xde709f2102306220921060314715629080e2fb77",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ];
        assert!(all.into_iter().all(is_address));
        let none = [
            "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg",
            "",
        ];
        assert!(!none.into_iter().any(is_address));
    }

    #[test]
    fn compressed_keys_alone() {
        let x = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
        assert!(is_public_key(&format!("02{x}")) && is_public_key(&format!("03{}", x.to_uppercase())));
        let none = [format!("04{x}{x}"), format!("02{}", &x[2..]), format!("02{FIELD}"), x.to_owned(), String::new()];
        assert!(!none.iter().any(|it| is_public_key(it)));
    }
}
