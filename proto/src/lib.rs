//! The contract between the services: one .proto file per service, and the events they tell each other.
//!
//! Everything here is generated from the files under `relight/`. Depends on nothing of ours.

#![allow(
    missing_docs,
    reason = "generated from the .proto files, which carry the words"
)]
#![allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    unreachable_pub,
    reason = "generated"
)]

/// File descriptors of every service, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));

pub mod common {
    pub mod v1 {
        tonic::include_proto!("relight.common.v1");
    }
}
pub mod events {
    pub mod v1 {
        tonic::include_proto!("relight.events.v1");
    }
}
pub mod access {
    pub mod v1 {
        tonic::include_proto!("relight.access.v1");
    }
}
pub mod registry {
    pub mod v1 {
        tonic::include_proto!("relight.registry.v1");
    }
}
pub mod intake {
    pub mod v1 {
        tonic::include_proto!("relight.intake.v1");
    }
}
pub mod dispatch {
    pub mod v1 {
        tonic::include_proto!("relight.dispatch.v1");
    }
}
pub mod notify {
    pub mod v1 {
        tonic::include_proto!("relight.notify.v1");
    }
}
pub mod insight {
    pub mod v1 {
        tonic::include_proto!("relight.insight.v1");
    }
}
pub mod planner {
    pub mod v1 {
        tonic::include_proto!("relight.planner.v1");
    }
}
pub mod arrears {
    pub mod v1 {
        tonic::include_proto!("relight.arrears.v1");
    }
}
