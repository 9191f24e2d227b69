//! A collector of traces: the OTLP trace service over gRPC, on this machine.

use crate::seen::Seen;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// One span as it came.
#[derive(Debug, Clone, Serialize)]
pub struct SpanSeen {
    /// Trace id, 32 hexadecimal digits.
    pub trace_id: String,
    /// Span id, 16 hexadecimal digits.
    pub span_id: String,
    /// Span id of its parent; empty for the first span of a trace.
    pub parent_span_id: String,
    /// Name.
    pub name: String,
    /// `service.name` of the process.
    pub service: String,
    /// Attributes, values as text.
    pub attributes: BTreeMap<String, String>,
}

/// The collector. Stops when dropped.
pub struct OtlpSink {
    addr: SocketAddr,
    spans: Arc<Seen<SpanSeen>>,
    task: JoinHandle<()>,
}

impl Drop for OtlpSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl OtlpSink {
    /// Starts on a free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts on `addr`.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start_on(addr: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let spans = Arc::<Seen<SpanSeen>>::default();
        let service = TraceServiceServer::new(Collector { spans: spans.clone() });
        let task = tokio::spawn(async move {
            let server = tonic::transport::Server::builder().add_service(service);
            if let Err(error) = server.serve_with_incoming(TcpListenerStream::new(listener)).await {
                tracing::error!(%error, "the trace collector ended");
            }
        });
        Ok(Self { addr, spans, task })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Every span so far.
    pub fn spans(&self) -> &Seen<SpanSeen> {
        &self.spans
    }
}

struct Collector {
    spans: Arc<Seen<SpanSeen>>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for resource in request.into_inner().resource_spans {
            spans(resource).into_iter().for_each(|span| self.spans.push(span));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn spans(resource: ResourceSpans) -> Vec<SpanSeen> {
    let known = resource
        .resource
        .map(|resource| attributes(resource.attributes))
        .unwrap_or_default();
    let service = known.get("service.name").cloned().unwrap_or_default();
    let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
    spans.map(|span| seen(&service, span)).collect()
}

fn seen(service: &str, span: Span) -> SpanSeen {
    SpanSeen {
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_span_id: hex(&span.parent_span_id),
        name: span.name,
        service: service.to_owned(),
        attributes: attributes(span.attributes),
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    pairs
        .into_iter()
        .map(|pair| (pair.key, text(pair.value)))
        .collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use opentelemetry_proto::tonic::trace::v1::ScopeSpans;

    fn pair(key: &str, value: Value) -> KeyValue {
        KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        }
    }

    #[tokio::test]
    async fn a_span_is_kept_with_its_place_in_the_trace() -> anyhow::Result<()> {
        let sink = OtlpSink::start().await?;
        let span = Span {
            trace_id: vec![0xab; 16],
            span_id: vec![1; 8],
            parent_span_id: vec![2; 8],
            name: "submit".to_owned(),
            attributes: vec![pair("attempt", Value::IntValue(3))],
            ..Span::default()
        };
        let resource = ResourceSpans {
            resource: Some(Resource {
                attributes: vec![pair("service.name", Value::StringValue("notify".to_owned()))],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        };
        let mut client = TraceServiceClient::connect(format!("http://{}", sink.addr())).await?;
        client
            .export(ExportTraceServiceRequest {
                resource_spans: vec![resource],
            })
            .await?;

        let seen = &sink.spans().wait_for_count(1).await?[0];
        assert_eq!(seen.trace_id, "ab".repeat(16));
        assert_eq!(
            (seen.span_id.as_str(), seen.parent_span_id.as_str()),
            ("0101010101010101", "0202020202020202")
        );
        assert_eq!((seen.service.as_str(), seen.name.as_str()), ("notify", "submit"));
        assert_eq!(seen.attributes["attempt"], "3");
        Ok(())
    }
}
