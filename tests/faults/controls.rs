//! What the docs promise about this matrix: every row has its tests.
