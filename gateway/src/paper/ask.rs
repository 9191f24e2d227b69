//! Everything a sheet says, asked of its owners page by page.

use relight_common::{Claims, service::Host};
use relight_proto::{
    common::v1::PageRequest,
    dispatch::v1::{Crew, ListCrewsRequest, ListOrdersRequest, ListUnitsRequest, Order, Unit},
    intake::v1::{Incident, ListIncidentsRequest},
    registry::v1::{LifeSupportCustomer, ListLifeSupportRequest},
};

use crate::app::App;

const PAGE: u32 = 200;
/// More than this on paper is of no use to anybody, and a cursor that never ends must not fill the disk.
const PAGES_MAX: usize = 100;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Open orders, in the order of dispatch.
    pub(super) orders: Vec<Order>,
    /// Open incidents: how many reported, while nobody knows who is off.
    pub(super) incidents: Vec<Incident>,
    /// By name.
    pub(super) units: Vec<Unit>,
    /// By name.
    pub(super) crews: Vec<Crew>,
    /// By account.
    pub(super) life_support: Vec<LifeSupportCustomer>,
}

/// Every page of a list.
macro_rules! all {
    ($host:expr, $client:expr, $method:ident, $field:ident, $ask:expr) => {{
        let (mut all, mut cursor) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let page = PageRequest {
                cursor: std::mem::take(&mut cursor),
                size: PAGE,
            };
            let ask = $ask;
            let request = $host.peers.request(ask(Some(page)), &Claims::service("gateway"));
            let reply = $client.clone().$method(request).await?.into_inner();
            all.extend(reply.$field);
            cursor = reply.next_cursor;
            if cursor.is_empty() {
                break;
            }
        }
        anyhow::ensure!(cursor.is_empty(), "{} has no end", stringify!($method));
        all
    }};
}

impl Facts {
    /// Reads everything, or nothing.
    pub(super) async fn read(app: &App, host: &Host) -> anyhow::Result<Self> {
        let to = app.to();
        Ok(Self {
            orders: all!(host, to.dispatch, list_orders, orders, |page| ListOrdersRequest {
                page,
                ..ListOrdersRequest::default()
            }),
            incidents: all!(host, to.intake, list_incidents, incidents, |page| {
                ListIncidentsRequest {
                    page,
                    ..ListIncidentsRequest::default()
                }
            }),
            units: all!(host, to.dispatch, list_units, units, |page| ListUnitsRequest {
                page
            }),
            crews: all!(host, to.dispatch, list_crews, crews, |page| ListCrewsRequest {
                page,
                ..ListCrewsRequest::default()
            }),
            life_support: all!(host, to.life_support, list, customers, |page| {
                ListLifeSupportRequest { page }
            }),
        })
    }
}
