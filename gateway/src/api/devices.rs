//! Switching devices and transformers of the grid.

use axum::{Json, extract::State};
use relight_common::{
    ask,
    edge::{Caller, Params, Problem, order::Place},
    wire::text,
};
use relight_proto::registry::v1::{Device as WireDevice, ListDevicesRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    STAFF,
    list::{List, page},
};
use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A device.
#[derive(Debug, Serialize, ToSchema)]
struct Device {
    /// Id in the grid file.
    device_id: String,
    /// `line`, `switch`, `transformer`, `fuse`, `breaker`
    kind: String,
    position: Option<Place>,
    closed: bool,
}

impl From<WireDevice> for Device {
    fn from(device: WireDevice) -> Self {
        Self {
            device_id: device.device_id,
            kind: device.kind,
            position: device.position.map(Place::from),
            closed: device.closed,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeviceParams {
    /// Part of the id.
    #[serde(default)]
    #[param(max_length = 100)]
    text: String,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    limit: Option<u32>,
}

/// Devices by part of their id.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", params(DeviceParams), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<Device>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<DeviceParams>,
) -> Result<Json<List<Device>>, Problem> {
    let claims = caller.need(&STAFF)?;
    let message = ListDevicesRequest {
        text: text("text", &params.text, 100)?,
        page: Some(page(params.cursor, params.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().registry, list_devices, message).await?;
    Ok(Json(List::of(reply.devices, reply.next_cursor)))
}
