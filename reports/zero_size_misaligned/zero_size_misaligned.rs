// SPDX-License-Identifier: GPL-2.0

//! A box of size zero, handed to C.

use kernel::prelude::*;

module! {
    type: ZeroSizeMisaligned,
    name: "zero_size_misaligned",
    description: "A box of size zero, handed to C",
    license: "GPL",
}

struct ZeroSizeMisaligned;

impl kernel::Module for ZeroSizeMisaligned {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}

#[kunit_tests(zero_size_misaligned)]
mod tests {
    use super::*;
    use kernel::{
        types::ForeignOwnable,
        xarray::{
            AllocKind,
            XArray, //
        }, //
    };

    #[repr(align(2))]
    struct Marker;

    /// `ForeignOwnable::into_foreign()` guarantees `FOREIGN_ALIGN`.
    #[test]
    fn foreign_pointer_has_foreign_align() -> Result {
        let pointer = KBox::new(Marker, GFP_KERNEL)?.into_foreign();

        assert!(pointer as usize % <KBox<Marker> as ForeignOwnable>::FOREIGN_ALIGN == 0);
        Ok(())
    }

    /// So an `XArray`, which asks for a `FOREIGN_ALIGN` of 4, can hold it.
    #[test]
    fn xarray_holds_it() -> Result {
        let array = KBox::pin_init(XArray::<KBox<Marker>>::new(AllocKind::Alloc), GFP_KERNEL)?;
        let marker = KBox::new(Marker, GFP_KERNEL)?;

        assert!(array.lock().store(0, marker, GFP_KERNEL).is_ok());
        Ok(())
    }
}
