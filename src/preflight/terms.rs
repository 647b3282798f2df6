//! Terms of images from the marketplace, which somebody must accept once per subscription.
//! <https://learn.microsoft.com/rest/api/marketplaceordering/marketplace-agreements>

use crate::arm::{Arm, ArmError, Terms};
use crate::spec::ImagePlan;
use report::Finding;

const API_VERSION: &str = "2021-01-01";

fn path(subscription: &str, plan: &ImagePlan) -> String {
    let ImagePlan { publisher, product, name } = plan;
    format!(
        "/subscriptions/{subscription}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualMachine/publishers/{publisher}/offers/{product}/plans/{name}/agreements/current"
    )
}

/// The terms as Azure keeps them.
pub(crate) async fn read(arm: &Arm, subscription: &str, plan: &ImagePlan) -> Result<Option<Terms>, ArmError> {
    let doing = format!("reading the terms of {}", plan.product);
    arm.get_path(&doing, &path(subscription, plan), API_VERSION).await
}

/// Terms that nobody has accepted.
pub(super) fn judge(plan: &ImagePlan, terms: &Terms) -> Option<Finding> {
    if terms.accepted {
        return None;
    }
    let link = terms.link.as_deref().unwrap_or("in the marketplace");
    let message =
        format!("{} of `{}` has terms that nobody in this subscription has accepted: {link}", plan.name, plan.product);
    Some(Finding::refusal("terms", message, "read them, then add --accept-terms"))
}

/// Accepts them: what was read, with one word changed.
pub(crate) async fn accept(arm: &Arm, subscription: &str, plan: &ImagePlan, terms: Terms) -> Result<(), ArmError> {
    let doing = format!("accepting the terms of {}", plan.product);
    arm.put_path(&doing, &path(subscription, plan), API_VERSION, &terms.accepting()).await
}
