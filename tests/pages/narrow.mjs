// What a reader could not see or reach without scrolling sideways: words that are cut off, controls beyond an edge.
export function outOfSight() {
  const found = [];
  const seen = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest(".skip, [hidden]");
  const named = (one) => `${one.tagName.toLowerCase()} "${(one.innerText || one.value || one.name || "").trim().slice(0, 60)}"`;
  for (const one of document.querySelectorAll("body *")) {
    if (!seen(one)) continue;
    const { overflowX } = getComputedStyle(one);
    const clips = ["hidden", "clip"].includes(overflowX) && one.clientWidth > 1;
    if (clips && one.innerText?.trim() && one.scrollWidth > one.clientWidth + 1) found.push(`cuts off ${named(one)}`);
  }
  for (const one of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")) {
    const { left, right, width } = one.getBoundingClientRect();
    if (seen(one) && width > 1 && (left < -1 || right > innerWidth + 1)) found.push(`${named(one)} is beyond the edge (${Math.round(left)} to ${Math.round(right)})`);
    if (seen(one) && one.tagName === "BUTTON" && one.scrollWidth > one.clientWidth + 1) found.push(`${named(one)} is wider than its button`);
  }
  return found.slice(0, 6);
}
