// prom-client; see README.md for the arguments.
const client = require("prom-client");

async function main() {
  const [step, job, ...addresses] = process.argv.slice(2);
  const registers = [new client.Registry()];
  if (step === "push") {
    new client.Gauge({ name: "node_gauge", help: "A gauge", labelNames: ["zone"], registers }).set({ zone: "us" }, 2.5);
    new client.Counter({ name: "node_jobs_total", help: "A counter", registers }).inc(4);
    const histogram = new client.Histogram({ name: "node_seconds", help: "A histogram", buckets: [0.1, 1], registers });
    [0.05, 0.5, 5].forEach((value) => histogram.observe(value));
    new client.Summary({ name: "node_bytes", help: "A summary", percentiles: [0.5], registers }).observe(10);
  } else if (step === "add") {
    new client.Gauge({ name: "node_more", help: "Added", registers }).set(7);
  } else if (step === "refused") {
    new client.Gauge({ name: "client_taken", help: "Taken", registers }).set(1);
  }
  for (const address of addresses) {
    const gateway = new client.Pushgateway(`http://${address}`, {}, registers[0]);
    const group = { jobName: job, groupings: { instance: "n-1" } };
    try {
      const method = { push: "push", delete: "delete" }[step] || "pushAdd";
      const { resp } = await gateway[method](group);
      console.log("ok", resp.statusCode);
    } catch (error) {
      console.log("refused:", error.message.replace(/\n/g, " "));
    }
  }
}

main();
