//! Whose accounts these are, for intake, which is asked about many at the same time; and what a customer is supplied at.

use std::collections::HashMap;

use relight_common::{Invalid, error::refuse, wire};
use relight_proto::registry::v1::{
    PointOfAccount, PointsOfAccountsReply, PointsOfAccountsRequest, PointsOfCustomerReply,
    PointsOfCustomerRequest, ServicePoint, accounts_server::Accounts,
};
use tonic::{Request, Response, Status};

use super::{Api, customers, map, only, taken};
use crate::{domain::fold, error::Error, store::service_point};

const ACCOUNTS_MAX: usize = 200;
/// Service points of a customer in one answer.
const POINTS_MAX: usize = 500;

impl Api {
    async fn of_accounts(&self, message: &PointsOfAccountsRequest) -> Result<PointsOfAccountsReply, Error> {
        if message.accounts.len() > ACCOUNTS_MAX {
            return Err(Invalid::new("accounts", "must be at most 200").into());
        }
        // What cannot be an account is nobody's.
        let key = |text: &String| customers::account("accounts", text).unwrap_or_default();
        let keys: Vec<String> = message.accounts.iter().map(key).collect();
        let rows = service_point::by_accounts(self.db.pool(), &keys).await?;
        let found: HashMap<String, ServicePoint> = rows
            .into_iter()
            .map(|row| Ok((fold(&row.account), map::service_point(row)?)))
            .collect::<Result<_, Error>>()?;
        let points = keys.iter().map(|key| PointOfAccount {
            service_point: found.get(key).cloned(),
        });
        Ok(PointsOfAccountsReply {
            points: points.collect(),
        })
    }

    async fn of_customer(&self, message: &PointsOfCustomerRequest) -> Result<PointsOfCustomerReply, Error> {
        let customer = wire::uuid("customer_id", &message.customer_id)?;
        let after = wire::uuid_opt("after", &message.after)?;
        // One more than is told says whether there are more.
        let size = i64::try_from(POINTS_MAX + 1).unwrap_or(i64::MAX);
        let mut rows = service_point::of_customer(self.db.pool(), customer, after, size).await?;
        let is_full = rows.len() > POINTS_MAX;
        rows.truncate(POINTS_MAX);
        let last = rows.last().filter(|_| is_full).map(|row| row.id.to_string());
        Ok(PointsOfCustomerReply {
            service_points: rows
                .into_iter()
                .map(map::service_point)
                .collect::<Result<_, _>>()?,
            next_after: last.unwrap_or_default(),
        })
    }
}

#[tonic::async_trait]
impl Accounts for Api {
    async fn points_of_accounts(
        &self,
        request: Request<PointsOfAccountsRequest>,
    ) -> Result<Response<PointsOfAccountsReply>, Status> {
        let (claims, message) = taken(request)?;
        only(&claims, &["intake"])?;
        self.of_accounts(&message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }

    async fn points_of_customer(
        &self,
        request: Request<PointsOfCustomerRequest>,
    ) -> Result<Response<PointsOfCustomerReply>, Status> {
        let (claims, message) = taken(request)?;
        only(&claims, &["intake"])?;
        self.of_customer(&message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }
}
