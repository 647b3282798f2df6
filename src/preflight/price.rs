//! What a cluster costs, as an estimate out of Azure's public price list; never a reason to fail.
//! <https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices>

use std::time::Duration;

use azure_core::http::{Method, Request, Url, new_http_client};
use serde::Serialize;
use serde_json::Value;

use crate::arm::read_body;
use crate::spec::ClusterSpec;

/// Of the public cloud.
pub(crate) const LIST: &str = "https://prices.azure.com/api/retail/prices";
const TIMEOUT: Duration = Duration::from_secs(5);
/// A page of the list has 1000 prices at most, which are far smaller, in bytes.
const LARGEST_ANSWER: usize = 8 << 20;
/// As Azure's own calculator counts.
const HOURS_PER_MONTH: f64 = 730.0;

/// What machines of one size cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Estimate {
    pub currency: String,
    pub per_hour: f64,
    pub per_month: f64,
    pub machines: u32,
}

impl Estimate {
    /// In words.
    pub(crate) fn text(&self, size: &str) -> String {
        let Self { currency, per_hour, per_month, machines } = self;
        format!(
            "about {per_hour:.2} {currency} an hour, {per_month:.0} {currency} a month for {machines} × {size} at list price; \
             disks, addresses and traffic come on top"
        )
    }
}

/// The price of the spec's machines; none when the list is not reachable or does not have them.
pub(crate) async fn estimate(list: &str, spec: &ClusterSpec) -> Option<Estimate> {
    let filter = format!(
        "serviceName eq 'Virtual Machines' and priceType eq 'Consumption' and armRegionName eq '{}' and armSkuName eq '{}'",
        spec.location, spec.vm_size
    );
    let mut url: Url = list.parse().ok()?;
    url.query_pairs_mut().append_pair("$filter", &filter);
    let asking = async {
        let response = new_http_client(None).execute_request(&Request::new(url, Method::Get)).await.ok()?;
        serde_json::from_slice::<Value>(&read_body(response, LARGEST_ANSWER).await.ok()??).ok()
    };
    let document = tokio::time::timeout(TIMEOUT, asking).await.ok()??;
    from_list(document["Items"].as_array()?, spec)
}

fn from_list(items: &[Value], spec: &ClusterSpec) -> Option<Estimate> {
    let text = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
    let fits = |item: &&Value| {
        let name = text(item, "skuName") + &text(item, "meterName");
        item["unitOfMeasure"] == "1 Hour"
            && !text(item, "productName").contains("Windows")
            && name.contains("Spot") == spec.spot
            && !name.contains("Low Priority")
    };
    let item = items.iter().find(fits)?;
    let per_hour = item["retailPrice"].as_f64()? * f64::from(spec.node_count);
    Some(Estimate {
        currency: text(item, "currencyCode"),
        per_hour,
        per_month: per_hour * HOURS_PER_MONTH,
        machines: spec.node_count,
    })
}

#[cfg(test)]
mod tests {
    use super::super::size::tests::spec;
    use super::*;
    use crate::config::parameter::{SCALE_SET, SPOT};
    use serde_json::json;

    #[test]
    fn the_right_line_of_the_list() {
        let item = |price: f64, product: &str, sku: &str| {
            json!({"retailPrice": price, "unitOfMeasure": "1 Hour", "productName": product, "skuName": sku,
                   "meterName": sku, "currencyCode": "USD"})
        };
        let items = [
            item(0.3, "Virtual Machines Dasv5 Series Windows", "D2as v5"),
            item(0.02, "Virtual Machines Dasv5 Series", "D2as v5 Spot"),
            item(0.01, "Virtual Machines Dasv5 Series", "D2as v5 Low Priority"),
            item(0.1, "Virtual Machines Dasv5 Series", "D2as v5"),
        ];
        let estimate = from_list(&items, &spec(&[])).unwrap();
        assert_eq!(
            estimate.text("Standard_D2as_v5"),
            "about 0.30 USD an hour, 219 USD a month for 3 × Standard_D2as_v5 at list price; disks, addresses and traffic come on top"
        );
        let spot = from_list(&items, &spec(&[(&SPOT, "true"), (&SCALE_SET, "true")])).unwrap();
        assert_eq!(format!("{:.2}", spot.per_hour), "0.06");
        assert_eq!(from_list(&[], &spec(&[])), None);
    }
}
