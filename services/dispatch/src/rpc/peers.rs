//! What other services do for a step, before its transaction. Both calls are repeatable.

use relight_common::{
    Invalid,
    grpc::{Outgoing, Peers},
    ids::{CommandId, derived},
};
use relight_proto::{
    intake::v1::{ConfirmDeviceRequest, intake_client::IntakeClient},
    registry::v1::{AffectedSet, CreateAffectedSetRequest, registry_client::RegistryClient},
};
use tonic::Code;

use crate::{domain::ids::IncidentId, error::Error};

/// Intake and the registry.
#[derive(Debug, Clone)]
pub(super) struct Others {
    intake: IntakeClient<Outgoing>,
    registry: RegistryClient<Outgoing>,
}

impl Others {
    pub(super) fn new(peers: &Peers) -> Self {
        Self {
            intake: IntakeClient::new(peers.to("intake")),
            registry: RegistryClient::new(peers.to("registry")),
        }
    }

    /// The crew found the device: intake's incident follows, under an id derived from the command.
    pub(super) async fn confirm(
        &self,
        command: CommandId,
        incident: IncidentId,
        device_id: &str,
    ) -> Result<(), Error> {
        let request = ConfirmDeviceRequest {
            command_id: derived(command.uuid(), "confirm").to_string(),
            incident_id: incident.to_string(),
            device_id: device_id.to_owned(),
            confirmed_by: "crew".to_owned(),
        };
        let reply = self.intake.clone().confirm_device(request).await;
        reply
            .map(drop)
            .map_err(|status| wrong_or("device_id", "intake", status))
    }

    /// The set of customers who are back: those behind the devices, within the order's own.
    pub(super) async fn section(
        &self,
        within: &str,
        device_ids: Vec<String>,
        service_point_external_ids: Vec<String>,
    ) -> Result<AffectedSet, Error> {
        let field = if device_ids.is_empty() {
            "service_point_external_ids"
        } else {
            "device_ids"
        };
        let request = CreateAffectedSetRequest {
            device_ids,
            within_set_id: within.to_owned(),
            service_point_external_ids,
            ..CreateAffectedSetRequest::default()
        };
        let reply = self.registry.clone().create_affected_set(request).await;
        let set = reply
            .map_err(|status| wrong_or(field, "the registry", status))?
            .into_inner();
        if set.count == 0 {
            return Err(Invalid::new(
                field,
                "must have customers of this order behind them; there are none",
            )
            .into());
        }
        Ok(set)
    }
}

/// What the other service says of our field is the caller's to mend.
fn wrong_or(field: &'static str, service: &'static str, status: tonic::Status) -> Error {
    match status.code() {
        Code::InvalidArgument | Code::NotFound => Invalid::new(field, status.message().to_owned()).into(),
        _ => relight_common::Error::peer(service)(status).into(),
    }
}
