//! Whose accounts these are, for intake, which is asked about many at the same time.

use std::collections::HashMap;

use relight_common::{Invalid, error::refuse};
use relight_proto::registry::v1::{
    PointOfAccount, PointsOfAccountsReply, PointsOfAccountsRequest, ServicePoint, accounts_server::Accounts,
};
use tonic::{Request, Response, Status};

use super::{Api, customers, map, only, taken};
use crate::{domain::fold, error::Error, store::service_point};

const ACCOUNTS_MAX: usize = 200;

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
}
