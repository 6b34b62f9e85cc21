// SPDX-License-Identifier: GPL-2.0

//! Pages.

/// The size of a page, in bytes, as on x86.
pub const PAGE_SIZE: usize = 1 << 12;
