// Pushes, adds and deletes with prom-client. Arguments: the gateway's host:port, then the step.
const client = require("prom-client");

async function main() {
  const [address, step] = process.argv.slice(2);
  const registry = new client.Registry();
  const gateway = new client.Pushgateway(`http://${address}`, {}, registry);
  const where = { jobName: "node", groupings: { instance: "n-1" } };
  if (step === "push") {
    new client.Gauge({ name: "node_gauge", help: "A gauge", labelNames: ["zone"], registers: [registry] }).set({ zone: "us" }, 2.5);
    new client.Counter({ name: "node_jobs_total", help: "A counter", registers: [registry] }).inc(4);
    const histogram = new client.Histogram({ name: "node_seconds", help: "A histogram", buckets: [0.1, 1], registers: [registry] });
    [0.05, 0.5, 5].forEach((value) => histogram.observe(value));
    await gateway.push(where);
  } else if (step === "add") {
    new client.Gauge({ name: "node_more", help: "Added", registers: [registry] }).set(7);
    await gateway.pushAdd(where);
  } else if (step === "delete") {
    await gateway.delete(where);
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
