//! Certificates of life support that end soon or have ended: for a person to ask and decide (domain.md 5.5 no. 20). A day that
//! passes takes no protection away.

use chrono::{Days, NaiveDate};
use relight_common::{Claims, error::refuse};
use relight_proto::registry::v1::{
    Certificate, ListCertificatesReply, ListCertificatesRequest,
    life_support_certificates_server::LifeSupportCertificates,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Api, contacts::DESK, taken};
use crate::{
    error::Error,
    store::customer::{self, CustomerRow, Scope},
};

const FILTER: &str = "certificates";
const RULE: &str = "life_support.renew_before";

impl Api {
    async fn certificates(
        &self,
        claims: &Claims,
        message: &ListCertificatesRequest,
    ) -> Result<ListCertificatesReply, Error> {
        let page = self.cursors.page(FILTER, message.page.as_ref())?;
        let scope = Scope {
            org_patterns: claims.org_patterns(&DESK),
            own: None,
        };
        let now = self.clock.now();
        let today = now.with_timezone(&self.pack.zone()).date_naive();
        // A pack of one's own without the rule lists what has ended.
        let days = self.pack.days(RULE, now).unwrap_or(0);
        let by = today.checked_add_days(Days::new(days.into())).unwrap_or(today);
        let after = begun(page.after_text());
        let rows = customer::with_certificate(self.db.pool(), &scope, by, after, page.size).await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        self.audit_view(claims, FILTER, &ids).await?;
        let next_cursor = self
            .cursors
            .next(FILTER, &page, rows.len(), rows.last().map(place));
        let ended: Vec<bool> = rows
            .iter()
            .map(|row| row.life_support_until < Some(today))
            .collect();
        let told = self.with_points(rows).await?.into_iter().zip(ended);
        Ok(ListCertificatesReply {
            certificates: told
                .map(|(customer, ended)| Certificate {
                    customer: Some(customer),
                    ended,
                })
                .collect(),
            next_cursor,
            renew_before_days: days.into(),
        })
    }
}

/// Where a row stands in the list, for the cursor.
fn place(row: &CustomerRow) -> String {
    let day = row
        .life_support_until
        .map(|day| day.to_string())
        .unwrap_or_default();
    format!("{day} {}", row.account_key)
}

/// What the list goes on after; from its beginning where nothing was read yet.
fn begun(after: &str) -> (NaiveDate, &str) {
    let read = after
        .split_once(' ')
        .and_then(|(day, key)| Some((day.parse().ok()?, key)));
    read.unwrap_or((NaiveDate::default(), ""))
}

#[tonic::async_trait]
impl LifeSupportCertificates for Api {
    async fn list(
        &self,
        request: Request<ListCertificatesRequest>,
    ) -> Result<Response<ListCertificatesReply>, Status> {
        let (claims, message) = taken(request)?;
        claims.need(&DESK)?;
        self.certificates(&claims, &message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }
}
