# The gem prometheus-client; see README.md for the arguments.
require "prometheus/client"
require "prometheus/client/push"

step, job, *addresses = ARGV
registry = Prometheus::Client::Registry.new
case step
when "push"
  registry.gauge(:ruby_gauge, docstring: "A gauge", labels: [:zone]).set(1.5, labels: { zone: "eu \"west\"" })
  registry.counter(:ruby_jobs_total, docstring: "A counter").increment(by: 3)
  histogram = registry.histogram(:ruby_seconds, docstring: "A histogram", buckets: [0.1, 1])
  [0.05, 0.5, 5].each { |value| histogram.observe(value) }
when "add"
  registry.gauge(:ruby_more, docstring: "Added").set(7)
when "refused"
  registry.gauge(:client_taken, docstring: "Taken").set(1)
end

addresses.each do |address|
  push = Prometheus::Client::Push.new(job: job, gateway: "http://#{address}", grouping_key: { instance: "r/1" })
  begin
    case step
    when "push" then push.replace(registry)
    when "delete" then push.delete
    else push.add(registry)
    end
    puts "ok"
  rescue Prometheus::Client::Push::HttpError => error
    puts "refused: #{error.message.tr("\n", " ")}"
  end
end
