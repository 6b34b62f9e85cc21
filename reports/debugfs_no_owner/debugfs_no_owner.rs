// SPDX-License-Identifier: GPL-2.0

//! A file in debugfs that is open when its module goes.

use kernel::{
    c_str,
    debugfs::{
        Dir,
        File, //
    },
    prelude::*, //
};

module! {
    type: DebugfsNoOwner,
    name: "debugfs_no_owner",
    description: "A file in debugfs that is open when its module goes",
    license: "GPL",
}

#[pin_data]
struct DebugfsNoOwner {
    #[pin]
    file: File<u32>,
    dir: Dir,
}

impl kernel::InPlaceModule for DebugfsNoOwner {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        let dir = Dir::new(c_str!("debugfs_no_owner"));

        try_pin_init!(Self {
            file <- dir.read_only_file(c_str!("number"), 7_u32),
            dir: dir.clone(),
        })
    }
}

#[kunit_tests(debugfs_no_owner)]
mod tests {
    /// The case is in `guest/guest.sh`: it takes a process that has the file open when the module
    /// goes. This one has `make test` load the module.
    #[test]
    fn module_is_there() {}
}
