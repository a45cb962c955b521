//! Rows about silence and herds: 18, 38, 41; section 9 of the design.
