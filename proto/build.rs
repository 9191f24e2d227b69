//! Compiles the .proto files with protox (no protoc on the machine) into the types of this crate.

use std::{env, error::Error, path::PathBuf};

const FILES: [&str; 11] = [
    "relight/common/v1/common.proto",
    "relight/events/v1/events.proto",
    "relight/access/v1/access.proto",
    "relight/registry/v1/registry.proto",
    "relight/intake/v1/intake.proto",
    "relight/dispatch/v1/dispatch.proto",
    "relight/notify/v1/notify.proto",
    "relight/insight/v1/insight.proto",
    "relight/arrears/v1/arrears.proto",
    "relight/planner/v1/planner.proto",
    "relight/planner/v1/records.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=relight");
    let files = protox::compile(FILES, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptor.bin"), prost::Message::encode_to_vec(&files))?;
    tonic_prost_build::configure()
        .emit_rerun_if_changed(false)
        .compile_fds(files)?;
    Ok(())
}
